# SPDX-License-Identifier: BSD-3-Clause
# A page of doc/ as a manual page: awk -v name=hsgd-data -v version=0.2.0 -f man.awk data.md
# Knows what these pages use: headings, paragraphs, lists, tables, code, bold, links.  The first heading and the first
# sentence of the first paragraph, else the heading alone, make the NAME section.

# Text with its marks: code and bold as bold, links without their targets.
function inline(text,   out, at)
{
    gsub(/\\\|/, "|", text)
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    while (match(text, /!?\[[^]]*\]\([^)]*\)/)) {
        at = substr(text, RSTART, RLENGTH)
        sub(/^!?\[/, "", at)
        sub(/\]\(.*/, "", at)
        text = substr(text, 1, RSTART - 1) at substr(text, RSTART + RLENGTH)
    }
    out = ""
    while (match(text, /`[^`]*`|\*\*[^*]*\*\*/)) {
        at = substr(text, RSTART, RLENGTH)
        gsub(/^(`|\*\*)|(`|\*\*)$/, "", at)
        out = out substr(text, 1, RSTART - 1) "\\fB" at "\\fR"
        text = substr(text, RSTART + RLENGTH)
    }
    out = out text
    return out
}

# A line of its own is no request.
function line(text) { print (text ~ /^[.']/ ? "\\&" : "") text }

# | a | b | c |: the first column is the tag, with those between it and the last, which is the text.
function row(text,   cell, n, i, tag)
{
    gsub(/^ *\| */, "", text)
    gsub(/ *\| *$/, "", text)
    gsub(/\\\|/, "\001", text)
    n = split(text, cell, / *\| */)
    for (i = 1; i <= n; i++) {
        gsub(/\001/, "|", cell[i])
        cell[i] = inline(cell[i])
    }
    tag = cell[1]
    for (i = 2; i < n; i++) if (cell[i] != "") tag = tag "  (" cell[i] ")"
    print ".TP"
    line(tag == "" ? "\\&" : tag)
    line(n > 1 && cell[n] != "" ? cell[n] : "\\&")
}

/^```/ {
    code = !code
    print code ? ".PP\n.RS 4\n.nf" : ".fi\n.RE"
    next
}
code {
    gsub(/\\/, "\\e")
    gsub(/-/, "\\-")
    line($0)
    next
}
/^# / && !begun {
    begun = 1
    title = substr($0, 3)
    printf ".TH %s 7 \"\" \"hsgd %s\" \"hsgd\"\n", toupper(name), version
    printf ".SH NAME\n%s \\- %s\n.SH DESCRIPTION\n", name, tolower(substr(title, 1, 1)) inline(substr(title, 2)) " of hsgd"
    next
}
/^## / { print ".SH " toupper(inline(substr($0, 4))); item = 0; next }
/^###+ / { sub(/^###+ /, ""); print ".SS " inline($0); item = 0; next }
/^\|/ {
    table++
    if (table > 2) row($0)
    next
}
table { table = 0; print ".PP" }
/^ *(-|[0-9]+\.) / {
    mark = $1 == "-" ? "\\(bu" : $1
    sub(/^ *(-|[0-9]+\.) +/, "")
    print ".IP " mark " 4"
    line(inline($0))
    item = 1
    next
}
/^ *$/ { print item ? "" : ".PP"; item = 0; next }
{ sub(/^ +/, ""); line(inline($0)) }
