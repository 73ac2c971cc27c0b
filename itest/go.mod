// Tests of the real binary, in a module of their own: what they need (other
// clients, later a real S3 server) never reaches the module that users import.
module github.com/tidelog/tide/itest

go 1.26.0

replace github.com/tidelog/tide => ../

require (
	github.com/stretchr/testify v1.12.1
	go.uber.org/goleak v1.3.0
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
