lib_libbmap_la_SOURCES += \
	lib/map/bmap.c \
	lib/map/bmap_private.h \
	lib/map/bmap_xml_read.c \
	lib/map/bmap_xml_write.c \
	lib/map/digest.c \
	lib/map/digest.h \
	lib/map/range_set.c \
	lib/map/range_set.h \
	lib/map/slice.c \
	lib/map/slice.h
