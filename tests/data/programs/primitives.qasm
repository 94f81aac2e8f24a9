OPENQASM 2.0;
gate h a { U(pi/2, 0, pi) a; }
qreg q[2];
creg c[2];
h q[0];
CX q[0], q[1];
U(0.1, -0.2, 1e-3) q[1];
measure q -> c;
