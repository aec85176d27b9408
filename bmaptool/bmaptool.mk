bin_PROGRAMS += bmaptool/bmaptool
bmaptool_bmaptool_SOURCES = \
	bmaptool/command_copy.c \
	bmaptool/command_create.c \
	bmaptool/command_index.c \
	bmaptool/commands.h \
	bmaptool/main.c \
	bmaptool/monitor.c \
	bmaptool/monitor.h
bmaptool_bmaptool_CFLAGS = $(AM_CFLAGS)
bmaptool_bmaptool_LDADD = lib/libcli.la lib/libbmap.la
