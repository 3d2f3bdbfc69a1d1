module example/module

go 1.26
