lib_libbmap_la_SOURCES += \
	lib/sign/sign.c
