# Stands in for Vitis HLS: records what run_hls.tcl does.
#
#   tclsh hls_stubs.tcl <script> <record> <failing command>
#
# export_design leaves an IP, as the tool does.

lassign $argv script record failing
source [file join [file dirname [info script]] recording.tcl]

define {
  open_project {-reset} {}
  set_top {} {}
  add_files {-tb} {-cflags}
  open_solution {-reset} {-flow_target}
  set_part {} {}
  create_clock {} {-period -name}
  csim_design {} {}
  csynth_design {} {}
  cosim_design {} {-rtl}
  export_design {} {-format -rtl -vendor -library -version}
  close_project {} {}
}

proc do_open_project {opt rest} { note project [file normalize [lindex $rest 0]] }
proc do_set_top {opt rest} { set ::top [lindex $rest 0]; note top $::top }
proc do_add_files {opt rest} {
  set kind [expr {[dict exists $opt -tb] ? "testbench" : "source"}]
  foreach file [lindex $rest 0] { note $kind [file normalize $file] }
  if {[dict exists $opt -cflags]} { note flags [dict get $opt -cflags] }
}
proc do_set_part {opt rest} { note part [lindex $rest 0] }
proc do_create_clock {opt rest} { note clock [dict get $opt -period] }
foreach command {csim_design csynth_design cosim_design} {
  proc do_$command {opt rest} [string map [list NAME $command] {
    note ran NAME $::top
    if {$::failing eq "NAME"} { error "NAME failed" }
  }]
}
proc do_export_design {opt rest} {
  note ip $::top [dict get $opt -vendor]:[dict get $opt -library]:$::top:[dict get $opt -version]
  if {$::failing eq "export_design"} return
  file mkdir project/solution/impl/ip
  close [open project/solution/impl/ip/component.xml w]
}

replay $script
