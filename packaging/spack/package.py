# SPDX-License-Identifier: BSD-3-Clause
# A recipe for Spack: copy this folder to var/spack/repos/builtin/packages/hsgd or to a repository of your own.
# The tests only compile it; it has not been built by Spack.
from spack.package import *


class Hsgd(AutotoolsPackage, CudaPackage):
    """Neural-network training on the CPU cores, CUDA GPUs and OpenCL devices of a machine, alone or together in one
    training step: a C library on StarPU, and a command line."""

    # The archive lies beside this file's release; see doc/releasing.md.
    url = "file:///usr/src/hsgd-0.3.0.tar.xz"
    license("BSD-3-Clause")

    version("0.3.0")

    variant("opencl", default=True, description="OpenCL devices")
    variant("onednn", default=True, description="matrix products and convolution on CPUs by oneDNN")
    variant("onnx", default=True, description="ONNX files by protobuf-c")
    variant("plots", default=True, description="plots by Cairo and Pango")

    depends_on("c", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("starpu@1.3.10:")
    depends_on("starpu+opencl", when="+opencl")
    depends_on("starpu+cuda", when="+cuda")
    depends_on("hwloc@2:")
    depends_on("opencl", when="+opencl")
    depends_on("openblas")
    depends_on("onednn", when="+onednn")
    depends_on("cuda@11.8:", when="+cuda")
    depends_on("cairo", when="+plots")
    depends_on("pango", when="+plots")
    depends_on("zlib-api")
    depends_on("xz")
    depends_on("libarchive")
    depends_on("libyaml")
    depends_on("libpng")
    depends_on("libjpeg-turbo")
    depends_on("jansson")
    depends_on("protobuf-c", when="+onnx")

    def configure_args(self):
        args = ["--enable-static"]
        args += self.with_or_without("opencl")
        args += self.with_or_without("onednn")
        args += self.with_or_without("onnx")
        args += self.with_or_without("cairo", variant="plots")
        if self.spec.satisfies("+cuda"):
            args.append("--with-cuda=%s" % self.spec["cuda"].prefix)
            archs = [a for a in self.spec.variants["cuda_arch"].value if a != "none"]
            if archs:
                args.append("CUDA_ARCHS=%s" % " ".join(archs))
        else:
            args.append("--without-cuda")
        return args
