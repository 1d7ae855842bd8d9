;; SPDX-License-Identifier: BSD-3-Clause
;; A recipe for Guix:  guix build -f packaging/guix/hsgd.scm
;; StarPU comes from the channel guix-hpc.  The tests only read it; it has not been built by Guix.
(use-modules (guix packages)
             (guix gexp)
             (guix build-system gnu)
             ((guix licenses) #:prefix license:)
             (gnu packages))

(package
  (name "hsgd")
  (version "0.3.0")
  ;; A release: (origin (method url-fetch) (uri ...) (sha256 (base32 ...))); here, the checkout that this file is in.
  (source (local-file "../.." "hsgd-checkout" #:recursive? #t))
  (build-system gnu-build-system)
  ;; make check has OpenCL devices only where PoCL finds its files.
  (arguments
   '(#:configure-flags '("--without-cuda" "--enable-static")
     #:tests? #f))
  (native-inputs
   (map specification->package
        '("autoconf" "automake" "libtool" "pkg-config" "doxygen")))
  (inputs
   (map specification->package
        '("starpu" "hwloc" "opencl-icd-loader" "opencl-headers" "openblas" "oneapi-dnnl"
          "zlib" "xz" "libarchive" "libyaml" "libpng" "libjpeg-turbo" "jansson" "protobuf-c" "cairo" "pango")))
  (synopsis "Neural-network training on CPUs, GPUs and OpenCL devices")
  (description
   "hsgd trains neural networks on what a machine has: its CPU cores, CUDA GPUs and OpenCL devices, alone or together
in one training step.  It is a C library on StarPU, and a command line.")
  (home-page "")
  (license license:bsd-3))
