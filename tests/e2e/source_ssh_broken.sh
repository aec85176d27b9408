#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# When ssh's connection breaks midway the copy fails, also without a map: the end
# of its pipe is not the end of the image.  COMPAT B1-1 for ssh.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

head -c 3000000 /dev/urandom >image
mkdir bin
cat >bin/ssh <<END
#!/bin/sh
head -c 1000000 '$PWD/image'
echo "Connection to host closed by remote host." >&2
exit 255
END
chmod +x bin/ssh
PATH=$PWD/bin:$PATH
run 1 "$BMAPTOOL" copy --nobmap --retries 0 ssh://host/image out
no_crash
says "bmaptool: ERROR: "
says_not "copying time"
