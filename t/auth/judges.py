"""What the differential tests share: where a judge from npm is, and what a missing one means.

`./quickstart packages test` puts mailauth under build/oracles; MAILAUTH names
another folder.  Its parts are loaded one by one, by their files: as a whole it
wants a younger node than Debian 12 has.
"""
import os
import shutil
import subprocess
import sys

NODE = shutil.which('node') or shutil.which('nodejs')


def mailauth_folder():
    """Where mailauth is, or None."""
    here = os.path.dirname(os.path.abspath(__file__))
    folders = [os.path.join(os.environ.get('builddir', '.'), 'oracles'),
               os.path.join(here, '..', '..', 'build', 'oracles')]
    found = [os.environ['MAILAUTH']] if os.environ.get('MAILAUTH') else \
        [os.path.join(folder, 'node_modules', 'mailauth') for folder in folders]
    for folder in found:
        if NODE and os.path.isdir(os.path.join(folder, 'lib')):
            return os.path.abspath(folder)
    return None


def mailauth_command(script):
    """The command that runs the script, in which MAILAUTH is mailauth's folder; or None."""
    folder = mailauth_folder()
    return folder and [NODE, '-e', f'const MAILAUTH = {folder!r};\n{script}']


def perl_has(module):
    return subprocess.run(['perl', '-M' + module, '-e1'], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def missing(names):
    """Says which judges are not there; true if that is a failure."""
    for name in names:
        print(f'NOT COMPARED with {name}: it is not installed', file=sys.stdout)
    return bool(names) and os.environ.get('CI') == 'true'
