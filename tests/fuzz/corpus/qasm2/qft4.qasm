// The quantum Fourier transform of a state with period 4: the outcomes are the multiples of 4.
OPENQASM 2.0;
include "qelib1.inc";
gate qft4 a,b,c,d {
  h d;
  cu1(pi/2) c,d;
  cu1(pi/4) b,d;
  cu1(pi/8) a,d;
  h c;
  cu1(pi/2) b,c;
  cu1(pi/4) a,c;
  h b;
  cu1(pi/2) a,b;
  h a;
  swap a,d;
  swap b,c;
}
qreg q[4];
creg c[4];
// x = 1, 5, 9, 13
x q[0];
h q[2];
h q[3];
barrier q;
qft4 q[0],q[1],q[2],q[3];
measure q -> c;
