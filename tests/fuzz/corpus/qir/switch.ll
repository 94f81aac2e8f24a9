@0 = internal constant [2 x i8] c"c\00"
@1 = internal constant [5 x i8] c"c[0]\00"
@2 = internal constant [5 x i8] c"c[1]\00"
@3 = internal constant [4 x i8] c"out\00"

define i64 @main() #0 {
entry:
  call void @__quantum__rt__initialize(ptr null)
  br label %body

body:
  call void @__quantum__qis__h__body(ptr null)
  call void @__quantum__qis__h__body(ptr inttoptr (i64 1 to ptr))
  call void @__quantum__qis__mz__body(ptr null, ptr writeonly null)
  call void @__quantum__qis__mz__body(ptr inttoptr (i64 1 to ptr), ptr writeonly inttoptr (i64 1 to ptr))
  %t0 = call i1 @__quantum__qis__read_result__body(ptr readonly null)
  %t1 = zext i1 %t0 to i64
  %t2 = call i1 @__quantum__qis__read_result__body(ptr readonly inttoptr (i64 1 to ptr))
  %t3 = zext i1 %t2 to i64
  %t4 = shl i64 %t3, 1
  %t5 = or i64 %t1, %t4
  %t6 = shl i64 %t5, 56
  %t7 = ashr i64 %t6, 56
  switch i64 %t7, label %b3 [
    i64 0, label %b1
    i64 3, label %b1
    i64 1, label %b2
  ]

b1:
  call void @__quantum__qis__x__body(ptr inttoptr (i64 2 to ptr))
  br label %b0

b2:
  call void @__quantum__qis__ry__body(double 0x3FE0000000000000, ptr inttoptr (i64 2 to ptr))
  br label %b0

b3:
  call void @__quantum__qis__ry__body(double 0x3FF8000000000000, ptr inttoptr (i64 2 to ptr))
  br label %b0

b0:
  call void @__quantum__qis__mz__body(ptr inttoptr (i64 2 to ptr), ptr writeonly inttoptr (i64 2 to ptr))
  br label %output

output:
  call void @__quantum__rt__array_record_output(i64 2, ptr @0)
  call void @__quantum__rt__result_record_output(ptr null, ptr @1)
  call void @__quantum__rt__result_record_output(ptr inttoptr (i64 1 to ptr), ptr @2)
  call void @__quantum__rt__result_record_output(ptr inttoptr (i64 2 to ptr), ptr @3)
  ret i64 0
}

declare void @__quantum__qis__h__body(ptr)
declare void @__quantum__qis__x__body(ptr)
declare void @__quantum__qis__ry__body(double, ptr)
declare void @__quantum__qis__mz__body(ptr, ptr writeonly) #1
declare i1 @__quantum__qis__read_result__body(ptr readonly)
declare void @__quantum__rt__initialize(ptr)
declare void @__quantum__rt__array_record_output(i64, ptr)
declare void @__quantum__rt__result_record_output(ptr, ptr)

attributes #0 = { "entry_point" "qir_profiles"="adaptive_profile" "output_labeling_schema"="qtaskdist" "required_num_qubits"="3" "required_num_results"="3" }
attributes #1 = { "irreversible" }

!llvm.module.flags = !{!0, !1, !2, !3, !4, !5}

!0 = !{i32 1, !"qir_major_version", i32 2}
!1 = !{i32 7, !"qir_minor_version", i32 0}
!2 = !{i32 1, !"dynamic_qubit_management", i1 false}
!3 = !{i32 1, !"dynamic_result_management", i1 false}
!4 = !{i32 5, !"int_computations", !6}
!5 = !{i32 1, !"multiple_target_branching", i1 true}
!6 = !{!"i64"}
