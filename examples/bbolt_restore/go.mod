module github.com/libcrtx/libcrtx/examples/bbolt_restore

go 1.23

require (
	github.com/libcrtx/libcrtx/bindings/go v0.0.0
	go.etcd.io/bbolt v1.4.3
)

require golang.org/x/sys v0.29.0 // indirect

replace github.com/libcrtx/libcrtx/bindings/go => ../../bindings/go
