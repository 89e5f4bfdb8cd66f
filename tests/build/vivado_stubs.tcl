# Stands in for Vivado: records what a build script does, one line a fact, fields between tabs.
#
#   tclsh vivado_stubs.tcl <script> <record> <board parts> <setup slack> <failing run>
#
# Commands and options are those that the script may use; any other is an error, as in Vivado.

lassign $argv script record board_parts slack failing
source [file join [file dirname [info script]] recording.tcl]

# Command -> flags, options with a value.
set known {
  create_project {-force} {-part}
  get_board_parts {-quiet} {}
  current_project {} {}
  current_fileset {} {}
  add_files {-norecurse} {}
  get_files {} {}
  update_compile_order {} {-fileset}
  update_ip_catalog {} {}
  create_ip {} {-vlnv -module_name}
  create_bd_design {} {}
  create_bd_cell {} {-type -vlnv -reference}
  apply_bd_automation {} {-rule -config}
  get_bd_cells {} {}
  get_bd_pins {} {}
  get_bd_intf_pins {} {}
  get_bd_addr_spaces {} {}
  get_bd_addr_segs {-quiet} {}
  connect_bd_net {} {}
  connect_bd_intf_net {} {}
  assign_bd_address {-force} {-offset -range -target_address_space}
  exclude_bd_addr_seg {} {-target_address_space}
  validate_bd_design {} {}
  save_bd_design {} {}
  generate_target {} {}
  make_wrapper {-top} {-files}
  set_property {} {-dict}
  get_property {} {}
  get_runs {} {}
  launch_runs {} {-jobs -to_step}
  wait_on_run {} {}
  open_run {} {}
  close_design {} {}
  report_utilization {-hierarchical} {-hierarchical_depth -file}
  report_timing_summary {} {-file}
  get_timing_paths {} {-delay_type -max_paths}
  write_hw_platform {-fixed -include_bit -force} {-file}
}

define $known

proc do_create_project {opt rest} {
  note project [lindex $rest 0] [dict get $opt -part]
  set ::project_folder [file normalize [lindex $rest 1]]
}
proc do_get_board_parts {opt rest} {
  return [lsearch -all -inline -glob $::board_parts [lindex $rest 0]]
}
proc do_current_project {opt rest} { return project }
proc do_current_fileset {opt rest} { return fileset }
proc do_add_files {opt rest} { foreach file [lindex $rest 0] { note file $file } }
proc do_create_ip {opt rest} { note ip [dict get $opt -module_name] [dict get $opt -vlnv] }
proc do_create_bd_cell {opt rest} {
  set kind [expr {[dict get $opt -type] eq "module" ? "module:[dict get $opt -reference]"
                                                     : [dict get $opt -vlnv]}]
  note cell [lindex $rest 0] $kind
}
proc do_apply_bd_automation {opt rest} {
  note automation [dict get $opt -rule] [lindex $rest 0]
  foreach {key value} [dict get $opt -config] { note automate $key $value }
}
proc do_get_bd_cells {opt rest} { return [lindex $rest 0] }
proc do_get_bd_pins {opt rest} { return [lindex $rest 0] }
proc do_get_bd_intf_pins {opt rest} { return [lindex $rest 0] }
proc do_get_bd_addr_spaces {opt rest} { return [lindex $rest 0] }
proc do_get_bd_addr_segs {opt rest} { return [lindex $rest 0] }
proc do_get_files {opt rest} { return [lindex $rest 0] }
proc do_get_runs {opt rest} { return [lindex $rest 0] }
proc do_connect_bd_net {opt rest} { note net {*}$rest }
proc do_connect_bd_intf_net {opt rest} { note interface {*}$rest }
proc do_assign_bd_address {opt rest} {
  set space [dict get $opt -target_address_space]
  if {[dict exists $opt -offset]} {
    note window $space [lindex $rest 0] [dict get $opt -offset] [dict get $opt -range]
  } else {
    note memory $space [lindex $rest 0]
  }
}
proc do_set_property {opt rest} {
  if {[dict exists $opt -dict]} {
    foreach {key value} [dict get $opt -dict] { note config [lindex $rest 0] $key $value }
  } else {
    foreach object [lindex $rest 2] { note config $object [lindex $rest 0] [lindex $rest 1] }
  }
}
proc do_make_wrapper {opt rest} { return $::project_folder/overlay_wrapper.v }
proc do_get_timing_paths {opt rest} { return path }
proc do_get_property {opt rest} {
  lassign $rest name object
  switch $name {
    PROGRESS  { return [expr {$object eq $::failing ? "37%" : "100%"}] }
    STATUS    { return "Something failed" }
    DIRECTORY { return $::project_folder/runs/$object }
    SLACK     { return $::slack }
    default   { error "no property $name" }
  }
}
proc do_wait_on_run {opt rest} {
  if {[lindex $rest 0] ne "impl_1"} return
  file mkdir $::project_folder/runs/impl_1 $::project_folder/$::name.gen/sources_1/bd/overlay/hw_handoff
  set handoff $::project_folder/$::name.gen/sources_1/bd/overlay/hw_handoff/overlay.hwh
  foreach path [list $::project_folder/runs/impl_1/overlay_wrapper.bit $handoff] {
    set made [open $path w]
    puts $made made
    close $made
  }
  set given [file join [file dirname $::script] given.hwh]
  if {[file exists $given]} { file copy -force $given $handoff }
}
proc report {opt} {
  set made [open [dict get $opt -file] w]
  puts $made report
  close $made
}
proc do_report_utilization {opt rest} { report $opt }
proc do_write_hw_platform {opt rest} { report $opt }
proc do_report_timing_summary {opt rest} { report $opt }

replay $script
