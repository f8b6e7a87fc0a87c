module spotloop/logind

go 1.24.0

require github.com/godbus/dbus/v5 v5.1.0
