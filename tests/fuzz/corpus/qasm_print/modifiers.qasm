OPENQASM 3.1;
include "stdgates.inc";
gate both(theta) a, b { ry(theta) a; ctrl @ rx(theta / 3) a, b; gphase(theta / 4); }
qubit[4] q;
bit[4] c;
h q;
ctrl(2) @ x q[0], q[1], q[2];
negctrl @ ctrl @ pow(1 / 3) @ z q[0], q[1], q[3];
inv @ both(0.7) q[1], q[2];
ctrl @ pow(-2) @ both(pi / 5) q[0], q[1], q[2];
pow(0.25) @ swap q[2], q[3];
ctrl @ gphase(pi / 3) q[3];
c = measure q;
