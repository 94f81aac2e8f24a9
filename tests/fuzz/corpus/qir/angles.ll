%Qubit = type opaque
%Result = type opaque

@0 = internal constant [2 x i8] c"c\00"
@1 = internal constant [5 x i8] c"c[0]\00"
@2 = internal constant [5 x i8] c"c[1]\00"
@3 = internal constant [5 x i8] c"c[2]\00"

define i64 @main() #0 {
entry:
  call void @__quantum__rt__initialize(i8* null)
  br label %body

body:
  call void @__quantum__qis__h__body(%Qubit* null)
  call void @__quantum__qis__mz__body(%Qubit* null, %Result* writeonly null)
  %t0 = call i1 @__quantum__qis__read_result__body(%Result* readonly null)
  br i1 %t0, label %b1, label %b0

b1:
  %t1 = fmul double 0x3FD0000000000000, 0x4008000000000000
  %t2 = fadd double %t1, 0x3FB999999999999A
  br label %b0

b0:
  %t3 = phi double [ 0x3FD0000000000000, %body ], [ %t2, %b1 ]
  call void @__quantum__qis__rx__body(double %t3, %Qubit* inttoptr (i64 1 to %Qubit*))
  %t4 = fdiv double %t3, 0x4000000000000000
  %t5 = fmul double %t4, 0x3FE0000000000000
  call void @__quantum__qis__rz__body(double %t5, %Qubit* null)
  call void @__quantum__qis__rz__body(double %t5, %Qubit* inttoptr (i64 1 to %Qubit*))
  call void @__quantum__qis__cnot__body(%Qubit* null, %Qubit* inttoptr (i64 1 to %Qubit*))
  %t6 = fmul double %t5, 0xBFF0000000000000
  call void @__quantum__qis__rz__body(double %t6, %Qubit* inttoptr (i64 1 to %Qubit*))
  call void @__quantum__qis__cnot__body(%Qubit* null, %Qubit* inttoptr (i64 1 to %Qubit*))
  call void @__quantum__qis__mz__body(%Qubit* inttoptr (i64 1 to %Qubit*), %Result* writeonly inttoptr (i64 1 to %Result*))
  %t7 = call i1 @__quantum__qis__read_result__body(%Result* readonly null)
  %t8 = zext i1 %t7 to i64
  %t9 = shl i64 %t8, 0
  %t10 = and i64 %t9, 3
  %t11 = call i1 @__quantum__qis__read_result__body(%Result* readonly inttoptr (i64 1 to %Result*))
  %t12 = zext i1 %t11 to i64
  %t13 = shl i64 %t12, 1
  %t14 = and i64 %t13, 3
  %t15 = or i64 %t10, %t14
  %t16 = and i64 %t15, 1
  %t17 = icmp ne i64 %t16, 0
  br i1 %t17, label %b2, label %b3

b2:
  br label %b3

b3:
  %t18 = phi double [ 0x3FF0000000000000, %b2 ], [ 0x0000000000000000, %b0 ]
  %t19 = and i64 %t15, 2
  %t20 = icmp ne i64 %t19, 0
  br i1 %t20, label %b4, label %b5

b4:
  br label %b5

b5:
  %t21 = phi double [ 0x4000000000000000, %b4 ], [ 0x0000000000000000, %b3 ]
  %t22 = fadd double %t18, %t21
  %t23 = fmul double 0x3FE921FB54442D18, %t22
  call void @__quantum__qis__rz__body(double %t23, %Qubit* null)
  call void @__quantum__qis__h__body(%Qubit* null)
  call void @__quantum__qis__mz__body(%Qubit* null, %Result* writeonly inttoptr (i64 2 to %Result*))
  br label %output

output:
  call void @__quantum__rt__array_record_output(i64 3, i8* getelementptr inbounds ([2 x i8], [2 x i8]* @0, i64 0, i64 0))
  call void @__quantum__rt__result_record_output(%Result* null, i8* getelementptr inbounds ([5 x i8], [5 x i8]* @1, i64 0, i64 0))
  call void @__quantum__rt__result_record_output(%Result* inttoptr (i64 1 to %Result*), i8* getelementptr inbounds ([5 x i8], [5 x i8]* @2, i64 0, i64 0))
  call void @__quantum__rt__result_record_output(%Result* inttoptr (i64 2 to %Result*), i8* getelementptr inbounds ([5 x i8], [5 x i8]* @3, i64 0, i64 0))
  ret i64 0
}

declare void @__quantum__qis__h__body(%Qubit*)
declare void @__quantum__qis__rx__body(double, %Qubit*)
declare void @__quantum__qis__rz__body(double, %Qubit*)
declare void @__quantum__qis__cnot__body(%Qubit*, %Qubit*)
declare void @__quantum__qis__mz__body(%Qubit*, %Result* writeonly) #1
declare i1 @__quantum__qis__read_result__body(%Result* readonly)
declare void @__quantum__rt__initialize(i8*)
declare void @__quantum__rt__array_record_output(i64, i8*)
declare void @__quantum__rt__result_record_output(%Result*, i8*)

attributes #0 = { "entry_point" "qir_profiles"="adaptive_profile" "output_labeling_schema"="qtaskdist" "required_num_qubits"="2" "required_num_results"="3" }
attributes #1 = { "irreversible" }

!llvm.module.flags = !{!0, !1, !2, !3, !4, !5}

!0 = !{i32 1, !"qir_major_version", i32 1}
!1 = !{i32 7, !"qir_minor_version", i32 0}
!2 = !{i32 1, !"dynamic_qubit_management", i1 false}
!3 = !{i32 1, !"dynamic_result_management", i1 false}
!4 = !{i32 5, !"int_computations", !6}
!5 = !{i32 5, !"float_computations", !7}
!6 = !{!"i64"}
!7 = !{!"double"}
