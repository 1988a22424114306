"""Build nengo_lmu; the metadata are in setup.cfg."""

import os
import shutil

from setuptools import setup
from setuptools.command.build_py import build_py

PTH = "nengo_lmu_hook.pth"


class BuildWithPth(build_py):
    """Put the start-up hook beside the package, where Python reads ``.pth`` files."""

    def run(self):
        if not self.editable_mode:
            # setuptools would pack what an earlier build left here
            shutil.rmtree(os.path.join(self.build_lib, "nengo_lmu"), ignore_errors=True)
        super().run()
        self.copy_file(PTH, self._pth(), preserve_mode=False)

    def _pth(self):
        folder = self.build_lib
        if self.editable_mode:
            # What is built in editable mode is thrown away: write to the wheel itself.
            folder = self.get_finalized_command("install").install_lib
        self.mkpath(folder)
        return os.path.join(folder, PTH)

    def get_outputs(self, include_bytecode=True):
        """List the files of the wheel, for setuptools' record."""
        outputs = super().get_outputs(include_bytecode)
        return outputs if self.editable_mode else [*outputs, self._pth()]

    def get_source_files(self):
        """List the files of the source distribution."""
        return [*super().get_source_files(), PTH]


setup(cmdclass={"build_py": BuildWithPth})
