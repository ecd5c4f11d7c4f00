module github.com/libcrtx/libcrtx/bindings/go

go 1.21
