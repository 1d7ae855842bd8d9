# Manual pages and bash completion: the program prints them from its tables.
man_commands = train devices selftest bench plan compare eval predict data models help
man1_MANS = doc/hsgd.1 $(man_commands:%=doc/hsgd-%.1)
doc/hsgd.1: hsgd$(EXEEXT)
	$(AM_V_GEN)mkdir -p doc && ./hsgd help --man > $@-tmp && mv $@-tmp $@
$(man_commands:%=doc/hsgd-%.1): doc/hsgd-%.1: hsgd$(EXEEXT)
	$(AM_V_GEN)mkdir -p doc && ./hsgd help $* --man > $@-tmp && mv $@-tmp $@

bashcompletiondir = $(datadir)/bash-completion/completions
bashcompletion_DATA = doc/completion/hsgd
doc/completion/hsgd: hsgd$(EXEEXT)
	$(AM_V_GEN)mkdir -p doc/completion && ./hsgd help --completion > $@-tmp && mv $@-tmp $@
CLEANFILES += $(man1_MANS) $(bashcompletion_DATA)
