OPENQASM 2.0
include "qelib1.inc";
qreg q[2]
gate g(a b) c { rx(a) c }
gate h2 a,b {
  cx a b;
  warp a
}
h q[0] §
if(c==) x q[0];
measure q -> ;
"open
