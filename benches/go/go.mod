module github.com/libcrtx/libcrtx/benches/go

go 1.21.0

replace github.com/libcrtx/libcrtx/bindings/go => ../../bindings/go

require (
	github.com/gofrs/flock v0.12.1
	github.com/libcrtx/libcrtx/bindings/go v0.0.0
)

require golang.org/x/sys v0.22.0 // indirect
