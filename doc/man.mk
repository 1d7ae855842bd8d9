# SPDX-License-Identifier: BSD-3-Clause
# Manual pages and completion of shells: the program prints them from its tables.
man_commands = train devices selftest bench tune calibrate plan plot compare eval predict explain generate data models summary convert onnx-test help
man1_MANS = doc/hsgd.1 $(man_commands:%=doc/hsgd-%.1)
doc/hsgd.1: hsgd$(EXEEXT)
	$(AM_V_GEN)mkdir -p doc && ./hsgd help --man > $@-tmp && mv $@-tmp $@
$(man_commands:%=doc/hsgd-%.1): doc/hsgd-%.1: hsgd$(EXEEXT)
	$(AM_V_GEN)mkdir -p doc && ./hsgd help $* --man > $@-tmp && mv $@-tmp $@

# Pages that are worth a manual page; the others refer to each other too much.
man_pages = algorithms data environment models runs
man7_MANS = $(man_pages:%=doc/hsgd-%.7)
doc/hsgd-%.7: doc/%.md doc/man.awk
	$(AM_V_GEN)mkdir -p doc && awk -v name=hsgd-$* -v version=$(PACKAGE_VERSION) -f $(srcdir)/doc/man.awk $< > $@-tmp && \
	  mv $@-tmp $@
CLEANFILES += $(man7_MANS)

bashcompletiondir = $(datadir)/bash-completion/completions
bashcompletion_DATA = doc/completion/hsgd
zshcompletiondir = $(datadir)/zsh/site-functions
zshcompletion_DATA = doc/completion/_hsgd
fishcompletiondir = $(datadir)/fish/vendor_completions.d
fishcompletion_DATA = doc/completion/hsgd.fish
print_completion = $(AM_V_GEN)mkdir -p doc/completion && ./hsgd help --completion
doc/completion/hsgd: hsgd$(EXEEXT)
	$(print_completion) bash > $@-tmp && mv $@-tmp $@
doc/completion/_hsgd: hsgd$(EXEEXT)
	$(print_completion) zsh > $@-tmp && mv $@-tmp $@
doc/completion/hsgd.fish: hsgd$(EXEEXT)
	$(print_completion) fish > $@-tmp && mv $@-tmp $@
CLEANFILES += $(man1_MANS) $(bashcompletion_DATA) $(zshcompletion_DATA) $(fishcompletion_DATA)
