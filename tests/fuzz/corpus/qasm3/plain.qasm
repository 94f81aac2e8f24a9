OPENQASM 3.0;
include "stdgates.inc";
qubit[4] q;
qubit s;
const float half = 0.5;
let a = q[2:3];
h q[0]; // plain
rz(-(pi-1.5)*2/(3+0.25)) q[3];
rx(half/tau) a[1];
u3(0.1,-2.5e-3,.5) q[ 3 ] ;
cu(1,2,3,4.0) q[0],s;
rz(3/2) q[1];
rz(2**3) q[1];
cx q[0],q[0];
