dist_man_MANS += man/bmapfs.1 man/bmaptool.1 man/bmap.5 man/bmap-trace.5
