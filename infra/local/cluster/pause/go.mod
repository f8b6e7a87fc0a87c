module spotloop/pause

go 1.24.0
