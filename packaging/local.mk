# SPDX-License-Identifier: BSD-3-Clause
# CMake's find_package(hsgd); where the headers are is found from where the libraries are.
cmakedir = $(libdir)/cmake/hsgd
cmake_DATA = packaging/cmake/hsgdConfig.cmake packaging/cmake/hsgdConfigVersion.cmake
CLEANFILES += $(cmake_DATA)
EXTRA_DIST += packaging/cmake/hsgdConfig.cmake.in packaging/cmake/hsgdConfigVersion.cmake.in
packaging/cmake/%.cmake: packaging/cmake/%.cmake.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	  sed -e 's|@HSGD_PRIVATE_LIBS[@]|$(HSGD_PRIVATE_LIBS)|' -e 's|@PACKAGE_VERSION[@]|$(PACKAGE_VERSION)|' \
	    -e "s|@include_from_lib[@]|$$(realpath -m -s --relative-to="$(libdir)" "$(includedir)")|" $< > $@

# Debian packages: make check-deb builds them in debian/.
check-deb: distdir
	sh $(srcdir)/packaging/debian.sh $(distdir)
	rm -rf $(distdir)
clean-local: clean-deb
clean-deb:
	rm -rf debian
.PHONY: check-deb clean-deb
EXTRA_DIST += packaging/debian packaging/debian.sh packaging/guix packaging/spack
