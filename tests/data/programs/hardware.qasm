OPENQASM 3.0;
include "stdgates.inc";
bit[2] c;
h $1;
cx $1, $4;
delay[100ns] $1;
barrier;
c[0] = measure $1;
c[1] = measure $4;
