/* SPDX-License-Identifier: BSD-3-Clause */
/* Completion for shells, from the tables of commands and options. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "lib/message.h"
#include "lib/options.h"

/* The ids of this machine's devices, for a shell. */
#define DEVICES_COMMAND "hsgd devices 2>/dev/null | sed -n 's/^\\([a-z]*:*[0-9:]*\\)  *[0-9].*/\\1/p'"
#define DEVICE_WORDS "auto cpu cuda opencl"

static bool takes_devices(const struct option_row *o) { return !strcmp(o->name, "devices"); }

/* Values of an option besides files and choices; NULL: none. */
static const char *other_words(const struct option_row *o) { return strcmp(o->name, "data") ? NULL : "digits"; }

static bool takes_files(const struct option_row *o) { return o->kind == TEXT && strcmp(o->name, "algorithm"); }

/* The values of an option, separated by blanks. */
static void print_values(const struct option_row *o)
{
    if (other_words(o)) fputs(other_words(o), stdout);
    for (int i = 0; o->choice && o->choice(i); i++) printf("%s%s", i ? " " : "", o->choice(i));
}

/* compare also takes the options of train. */
static bool completes(const struct command *c, const struct option_row *o)
{
    return o->commands & c->bit || (c->bit == COMPARE && o->commands & TRAIN && !(o->commands & SINGLE));
}

/* For single quotes: line ends become blanks, and quotes become `quote`. */
static void print_quoted(const char *text, const char *quote)
{
    for (; *text; text++) {
        if (*text == '\'') fputs(quote, stdout);
        else putchar(*text == '\n' ? ' ' : *text);
    }
}

static void print_commands(void)
{
    for (const struct command *c = commands; c->name; c++) printf("%s%s", c == commands ? "" : " ", c->name);
}

/* -------------------------------------------------------------------- bash */

static void bash_values(const struct option_row *o)
{
    if (o->kind == FLAG) return;
    printf("    %s--%s) ", o->letter ? (char[]){ '-', o->letter, '|', 0 } : "", o->name);
    if (takes_devices(o)) {
        puts("_hsgd_devices; return ;;");
    } else if (o->choice || other_words(o)) {
        fputs("words=\"", stdout);
        print_values(o);
        printf("\"%s ;;\n", takes_files(o) ? " files=1" : "");
    } else {
        puts(o->kind == TEXT ? "files=1 ;;" : "return ;;");
    }
}

static void bash_options(const struct command *c)
{
    const struct option_row *o;
    printf("    %s) words=\"", c->name);
    for (int i = 0, n = 0; (o = option_at(i)); i++)
        if (completes(c, o)) printf("%s--%s", n++ ? " " : "", o->name);
    puts("\" ;;");
}

static void print_bash(void)
{
    const struct option_row *o;
    puts("# bash completion for hsgd\n"
         "_hsgd_devices() # a list: keeps the part before the last comma\n"
         "{\n"
         "    local list= last=$word id\n"
         "    case $word in *,*) list=${word%,*}, last=${word##*,} ;; esac\n"
         "    for id in " DEVICE_WORDS " $(" DEVICES_COMMAND "); do\n"
         "        case $id in \"$last\"*) COMPREPLY+=(\"$list$id\") ;; esac\n"
         "    done\n"
         "    type __ltrim_colon_completions >/dev/null 2>&1 && __ltrim_colon_completions \"$word\"\n"
         "}\n"
         "_hsgd()\n"
         "{\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words= files=\n"
         "    COMPREPLY=()\n"
         "    if [ \"$COMP_CWORD\" -eq 1 ] || { [ \"$COMP_CWORD\" -eq 2 ] && [ \"$previous\" = help ]; }; then");
    fputs("        COMPREPLY=($(compgen -W \"", stdout);
    print_commands();
    puts("\" -- \"$word\"))\n"
         "        return\n"
         "    fi\n"
         "    case $previous in");
    for (int i = 0; (o = option_at(i)); i++) bash_values(o);
    puts("    esac\n"
         "    if [ -z \"$words$files\" ]; then\n"
         "    case $word in\n"
         "    -*) case ${COMP_WORDS[1]} in");
    for (const struct command *c = commands; c->name; c++) bash_options(c);
    puts("    esac ;;\n"
         "    *) files=1 ;;\n"
         "    esac\n"
         "    fi\n"
         "    [ -n \"$words\" ] && COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "    [ -n \"$files\" ] && COMPREPLY+=($(compgen -f -- \"$word\"))\n"
         "}\n"
         "complete -o filenames -F _hsgd hsgd");
}

/* --------------------------------------------------------------------- zsh */

/* 'name:description'; names have no colon. */
static void zsh_word(const char *dashes, const char *name, const char *what)
{
    printf(" '%s%s:", dashes, name);
    print_quoted(what, "'\\''");
    putchar('\'');
}

static void zsh_values(const struct option_row *o)
{
    if (o->kind == FLAG) return;
    printf("    %s--%s) ", o->letter ? (char[]){ '-', o->letter, '|', 0 } : "", o->name);
    if (takes_devices(o)) {
        puts("_hsgd_devices; return ;;");
    } else if (o->choice || other_words(o)) {
        fputs("compadd -- ", stdout);
        print_values(o);
        printf("%s; return ;;\n", takes_files(o) ? "; _files" : "");
    } else {
        puts(o->kind == TEXT ? "_files; return ;;" : "return ;;");
    }
}

static void zsh_options(const struct command *c)
{
    const struct option_row *o;
    printf("    %s) found=(", c->name);
    for (int i = 0; (o = option_at(i)); i++)
        if (completes(c, o)) zsh_word("--", o->name, o->help);
    puts(" ) ;;");
}

static void print_zsh(void)
{
    const struct option_row *o;
    fputs("#compdef hsgd\n"
          "_hsgd_devices() # a list: keeps the part before the last comma\n"
          "{\n"
          "    compset -P '*,'\n"
          "    compadd -S '' -- " DEVICE_WORDS " ${(f)\"$(" DEVICES_COMMAND ")\"}\n"
          "}\n"
          "_hsgd()\n"
          "{\n"
          "    local previous=${words[CURRENT-1]}\n"
          "    local -a found\n"
          "    if (( CURRENT == 2 )) || { (( CURRENT == 3 )) && [[ $previous == help ]] }; then\n"
          "        found=(",
          stdout);
    for (const struct command *c = commands; c->name; c++) zsh_word("", c->name, c->summary);
    puts(" )\n"
         "        _describe command found\n"
         "        return\n"
         "    fi\n"
         "    case $previous in");
    for (int i = 0; (o = option_at(i)); i++) zsh_values(o);
    puts("    esac\n"
         "    [[ $PREFIX == -* ]] || { _files; return }\n"
         "    case ${words[2]} in");
    for (const struct command *c = commands; c->name; c++) zsh_options(c);
    puts("    esac\n"
         "    _describe option found\n"
         "}\n"
         "_hsgd \"$@\"");
}

/* -------------------------------------------------------------------- fish */

static void fish_option(const struct option_row *o)
{
    fputs("complete -c hsgd -n '__fish_seen_subcommand_from", stdout);
    for (const struct command *c = commands; c->name; c++)
        if (completes(c, o)) printf(" %s", c->name);
    printf("' -l %s", o->name);
    if (o->letter) printf(" -s %c", o->letter);
    if (o->kind != FLAG) fputs(takes_files(o) && !takes_devices(o) ? " -r -F" : " -x", stdout);
    if (takes_devices(o)) fputs(" -a '(__fish_complete_list , __hsgd_devices)'", stdout);
    else if (o->choice || other_words(o)) {
        fputs(" -a '", stdout);
        print_values(o);
        putchar('\'');
    }
    fputs(" -d '", stdout);
    print_quoted(o->help, "\\'");
    puts("'");
}

static void print_fish(void)
{
    const struct option_row *o;
    puts("# fish completion for hsgd\n"
         "function __hsgd_devices\n"
         "    printf '%s\\n' " DEVICE_WORDS "\n"
         "    " DEVICES_COMMAND "\n"
         "end");
    for (const struct command *c = commands; c->name; c++) {
        printf("complete -c hsgd -n __fish_use_subcommand -f -a %s -d '", c->name);
        print_quoted(c->summary, "\\'");
        puts("'");
    }
    fputs("complete -c hsgd -n '__fish_seen_subcommand_from help' -f -a '", stdout);
    print_commands();
    puts("'");
    for (int i = 0; (o = option_at(i)); i++) fish_option(o);
}

/* ----------------------------------------------------------------- command */

int print_completion(int shell)
{
    static void (*const print[SHELLS])(void) = { [BASH] = print_bash, [ZSH] = print_zsh, [FISH] = print_fish };
    print[shell]();
    return flush_output();
}
