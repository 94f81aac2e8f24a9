OPENQASM 2.0;
include "qelib1.inc";
qreg q[4];
qreg anc[2];
creg c[4];
gate majority a,b,c2
{
  cx c2,b;
  cx c2,a;
  ccx a,b {,c2;
}
gate rot(theta,phi) a { rz(theta*2) a; u3(theta,phi,-pi/2) a; }
h q[0];
cx q[0],q[1];
majority q[0],q[1],anc[0];
rot(pi/4,0.5) q[2];
barrier q,anc;
if(c==3) x q[1];
u1(3*pi/8) q[3];
reset anc[1];
measure q[0] -> c[0];
measure q -> c;
