%Qubit = type opaque
%Result = type opaque

@0 = internal constant [2 x i8] c"c\00"
@1 = internal constant [6 x i8] c"count\00"
@2 = internal constant [9 x i8] c"count[0]\00"
@3 = internal constant [9 x i8] c"count[1]\00"
@4 = internal constant [9 x i8] c"count[2]\00"
@5 = internal constant [9 x i8] c"count[3]\00"
@6 = internal constant [9 x i8] c"count[4]\00"
@7 = internal constant [9 x i8] c"count[5]\00"
@8 = internal constant [9 x i8] c"count[6]\00"
@9 = internal constant [9 x i8] c"count[7]\00"

define i64 @main() #0 {
entry:
  call void @__quantum__rt__initialize(i8* null)
  br label %body

body:
  br label %b1

b1:
  %t0 = phi i64 [ 0, %body ], [ %t6, %b3 ]
  %t1 = phi i1 [ true, %body ], [ %t4, %b3 ]
  %t2 = zext i1 %t1 to i64
  %t3 = icmp eq i64 %t2, 1
  br i1 %t3, label %b2, label %b0

b2:
  call void @__quantum__qis__h__body(%Qubit* null)
  call void @__quantum__qis__mz__body(%Qubit* null, %Result* writeonly null)
  %t4 = call i1 @__quantum__qis__read_result__body(%Result* readonly null)
  %t5 = add i64 %t0, 1
  %t6 = and i64 %t5, 255
  %t7 = icmp sgt i64 %t6, 6
  br i1 %t7, label %b4, label %b3

b4:
  br label %b0

b3:
  br label %b1

b0:
  %t8 = phi i64 [ %t0, %b1 ], [ %t6, %b4 ]
  %t9 = phi i1 [ %t1, %b1 ], [ %t4, %b4 ]
  %t10 = and i64 %t8, 1
  %t11 = icmp ne i64 %t10, 0
  %t12 = and i64 %t8, 2
  %t13 = icmp ne i64 %t12, 0
  %t14 = and i64 %t8, 4
  %t15 = icmp ne i64 %t14, 0
  %t16 = and i64 %t8, 8
  %t17 = icmp ne i64 %t16, 0
  %t18 = and i64 %t8, 16
  %t19 = icmp ne i64 %t18, 0
  %t20 = and i64 %t8, 32
  %t21 = icmp ne i64 %t20, 0
  %t22 = and i64 %t8, 64
  %t23 = icmp ne i64 %t22, 0
  %t24 = and i64 %t8, 128
  %t25 = icmp ne i64 %t24, 0
  br label %output

output:
  call void @__quantum__rt__bool_record_output(i1 %t9, i8* getelementptr inbounds ([2 x i8], [2 x i8]* @0, i64 0, i64 0))
  call void @__quantum__rt__array_record_output(i64 8, i8* getelementptr inbounds ([6 x i8], [6 x i8]* @1, i64 0, i64 0))
  call void @__quantum__rt__bool_record_output(i1 %t11, i8* getelementptr inbounds ([9 x i8], [9 x i8]* @2, i64 0, i64 0))
  call void @__quantum__rt__bool_record_output(i1 %t13, i8* getelementptr inbounds ([9 x i8], [9 x i8]* @3, i64 0, i64 0))
  call void @__quantum__rt__bool_record_output(i1 %t15, i8* getelementptr inbounds ([9 x i8], [9 x i8]* @4, i64 0, i64 0))
  call void @__quantum__rt__bool_record_output(i1 %t17, i8* getelementptr inbounds ([9 x i8], [9 x i8]* @5, i64 0, i64 0))
  call void @__quantum__rt__bool_record_output(i1 %t19, i8* getelementptr inbounds ([9 x i8], [9 x i8]* @6, i64 0, i64 0))
  call void @__quantum__rt__bool_record_output(i1 %t21, i8* getelementptr inbounds ([9 x i8], [9 x i8]* @7, i64 0, i64 0))
  call void @__quantum__rt__bool_record_output(i1 %t23, i8* getelementptr inbounds ([9 x i8], [9 x i8]* @8, i64 0, i64 0))
  call void @__quantum__rt__bool_record_output(i1 %t25, i8* getelementptr inbounds ([9 x i8], [9 x i8]* @9, i64 0, i64 0))
  ret i64 0
}

declare void @__quantum__qis__h__body(%Qubit*)
declare void @__quantum__qis__mz__body(%Qubit*, %Result* writeonly) #1
declare i1 @__quantum__qis__read_result__body(%Result* readonly)
declare void @__quantum__rt__initialize(i8*)
declare void @__quantum__rt__array_record_output(i64, i8*)
declare void @__quantum__rt__bool_record_output(i1, i8*)

attributes #0 = { "entry_point" "qir_profiles"="adaptive_profile" "output_labeling_schema"="qtaskdist" "required_num_qubits"="1" "required_num_results"="9" }
attributes #1 = { "irreversible" }

!llvm.module.flags = !{!0, !1, !2, !3, !4, !5}

!0 = !{i32 1, !"qir_major_version", i32 1}
!1 = !{i32 7, !"qir_minor_version", i32 0}
!2 = !{i32 1, !"dynamic_qubit_management", i1 false}
!3 = !{i32 1, !"dynamic_result_management", i1 false}
!4 = !{i32 5, !"int_computations", !6}
!5 = !{i32 1, !"backwards_branching", i2 -2}
!6 = !{!"i64"}
