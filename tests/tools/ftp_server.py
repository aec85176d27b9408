#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ftp_server.py PORT_FILE FOLDER [USER PASSWORD]

Serves FOLDER over FTP (pyftpdlib) on a free port of 127.0.0.1, whose number
goes into PORT_FILE: to anybody, or to USER only.
"""

import logging
import os
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

port_file, folder = sys.argv[1:3]
logging.basicConfig(level=logging.ERROR)
authorizer = DummyAuthorizer()
if len(sys.argv) > 3:
    authorizer.add_user(sys.argv[3], sys.argv[4], folder, perm="elr")
else:
    authorizer.add_anonymous(folder)
FTPHandler.authorizer = authorizer
server = FTPServer(("127.0.0.1", 0), FTPHandler)
with open(port_file + ".new", "w", encoding="ascii") as file:
    file.write("%d\n" % server.address[1])
os.rename(port_file + ".new", port_file)
server.serve_forever()
