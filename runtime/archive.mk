# SPDX-License-Identifier: BSD-3-Clause
# libhsgd.a: the objects of the shared library as one, in which all symbols are local but those that the library exports,
# so that none of them meets one of an application (doc/decisions/0043-archive-of-one-object.md).
if STATIC
noinst_DATA += libhsgd.a
CLEANFILES += libhsgd.a
libhsgd.a: runtime/libruntime.la
	$(AM_V_GEN)rm -f $@ && \
	  $(CC) $(CFLAGS) -nostdlib -r $(NOLTO_REL) -Wl,--whole-archive runtime/.libs/libruntime.a -Wl,--no-whole-archive \
	    -o runtime/libhsgd.o && \
	  $(OBJCOPY) --localize-hidden runtime/libhsgd.o && \
	  $(AR) cr $@ runtime/libhsgd.o && $(RANLIB) $@ && rm runtime/libhsgd.o
# Behind libtool, which installs an archive of its own where there is no shared library.
install-exec-hook:
	$(MKDIR_P) "$(DESTDIR)$(libdir)" && $(INSTALL_DATA) libhsgd.a "$(DESTDIR)$(libdir)/libhsgd.a"
uninstall-hook:
	rm -f "$(DESTDIR)$(libdir)/libhsgd.a"
endif
