bin_PROGRAMS += bmapfs/bmapfs
bmapfs_bmapfs_SOURCES = \
	bmapfs/daemon.c \
	bmapfs/daemon.h \
	bmapfs/event_log.c \
	bmapfs/event_log.h \
	bmapfs/folder_file.c \
	bmapfs/folder_mount.c \
	bmapfs/folder_mount.h \
	bmapfs/folder_private.h \
	bmapfs/image_mount.c \
	bmapfs/image_mount.h \
	bmapfs/main.c \
	bmapfs/mount_options.c \
	bmapfs/mount_options.h \
	bmapfs/node.c \
	bmapfs/node.h \
	bmapfs/session.c \
	bmapfs/session.h \
	bmapfs/trace_command.c \
	bmapfs/trace_command.h
bmapfs_bmapfs_CFLAGS = $(AM_CFLAGS) $(FUSE_CFLAGS)
bmapfs_bmapfs_LDADD = lib/libcli.la lib/libbmap.la $(FUSE_LIBS)
