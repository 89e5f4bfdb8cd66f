# SPDX-License-Identifier: Apache-2.0
# Project, block design, bitstream of a system: vivado -mode batch -source build.tcl
#
# Everything that differs between boards and models stands in settings.tcl beside this file, which
# `make bitstream` writes; file names in it are relative to it. Results go to out/. Each stage says
# "STEP <name>" first. Exit code 0, 1 on an error, 4 when timing is not met.
#
# The block design: the processor (ps) with its clock at the target frequency; the system (system)
# and one DMA engine a channel, steered over one SmartConnect (control_net) and reading and writing
# memory over one more (memory_net_<n>) for each HP port. A concurrent system has no DMA engines: it
# reads and writes memory by itself, and its interrupt is left open. Which cells there are and how each is set
# stands in settings.tcl (hw/build/block_design.py); here they are wired.

set here [file dirname [file normalize [info script]]]
source [file join $here settings.tcl]

# Vivado's Tcl may be 8.5, and it has commands `step` and `run` of its own.
proc stage {name} { puts "STEP $name"; flush stdout }
proc here {path} { return [file normalize [file join $::here $path]] }
proc all_here {paths} {
  set found {}
  foreach path $paths { lappend found [here $path] }
  return $found
}

# ---- What Zynq-7000 and Zynq UltraScale+ name differently

if {$family eq "xc7"} {
  set ps_rule   xilinx.com:bd_rule:processing_system7
  set ps_clock  FCLK_CLK0
  set ps_reset  FCLK_RESET0_N
  set ps_master M_AXI_GP0
  set ps_master_clock M_AXI_GP0_ACLK
  proc hp_port  {n} { return S_AXI_HP$n }
  proc hp_clock {n} { return S_AXI_HP${n}_ACLK }
  proc hp_memory {n} { return [list S_AXI_HP$n/HP${n}_DDR_LOWOCM] }
  proc hp_others {n} { return {} }
} elseif {$family eq "xcup"} {
  set ps_rule   xilinx.com:bd_rule:zynq_ultra_ps_e
  set ps_clock  pl_clk0
  set ps_reset  pl_resetn0
  set ps_master M_AXI_HPM0_FPD
  set ps_master_clock maxihpm0_fpd_aclk
  proc hp_port  {n} { return S_AXI_HP${n}_FPD }
  proc hp_clock {n} { return saxihp${n}_fpd_aclk }
  proc hp_segments {n names} {
    set segments {}
    foreach name $names { lappend segments SAXIGP[expr {$n + 2}]/HP${n}_$name }
    return $segments
  }
  proc hp_memory {n} { return [hp_segments $n {DDR_LOW DDR_HIGH}] }
  proc hp_others {n} { return [hp_segments $n {LPS_OCM QSPI PCIE_LOW}] }
} else {
  error "family $family is neither xc7 nor xcup"
}

# ---- Project

stage project
create_project -force $name [here project] -part $part
# The board's files may be of another version or vendor (Avnet's became AMD's), or not be there: the
# processor then has what settings.tcl lists of them, and without such a list nothing is guessed.
set boards [get_board_parts -quiet "*:[lindex [split $board_part :] 1]:part0:*"]
if {[llength $boards]} {
  set_property board_part [lindex [lsort -dictionary $boards] end] [current_project]
} elseif {[llength $preset]} {
  puts "WARNING: no board files of $board_part: the processor is set up from settings.tcl"
} else {
  error "no board files of $board_part: install them (Tools, Vivado Store), or list the\
    processor's parameters as \[preset\] in the board's file under hw/boards"
}
foreach file [concat $sources $headers $memories] {
  if {![file exists [here $file]]} { error "file not found: [here $file]" }
}
add_files -norecurse [all_here $sources]
if {[llength $headers]} {
  add_files -norecurse [all_here $headers]
  set folders {}
  foreach file [all_here $headers] { lappend folders [file dirname $file] }
  set_property include_dirs [lsort -unique $folders] [current_fileset]
}
if {[llength $memories]} {
  add_files -norecurse [all_here $memories]
  set_property file_type {Memory Initialization Files} [get_files [all_here $memories]]
}
# Accelerators that are IPs are synthesised with the sources that instantiate them: a module of a
# block design may hold no IP that has been synthesised on its own (UG994, "Referencing RTL Modules").
if {[llength $ips]} {
  foreach repository $ip_folders {
    if {![file exists [here $repository/component.xml]]} {
      error "no IP in [here $repository]: run hls/run_hls.tcl first"
    }
  }
  set_property ip_repo_paths [all_here $ip_folders] [current_project]
  update_ip_catalog
  foreach {module vlnv} $ips {
    create_ip -vlnv $vlnv -module_name $module
    set_property generate_synth_checkpoint false [get_files $module.xci]
    generate_target all [get_files $module.xci]
  }
}
set_property verilog_define SYNTHESIS=1 [current_fileset]
update_compile_order -fileset sources_1

# ---- Cells

stage cells
create_bd_design overlay

foreach cell $cells {
  foreach {cell_name type config} $cell {}
  create_bd_cell -type ip -vlnv $type $cell_name
  if {$cell_name eq "ps"} {
    set rule [list apply_board_preset [expr {[llength $boards] > 0}]]
    if {$family eq "xc7"} {
      lappend rule make_external "FIXED_IO, DDR" Master Disable Slave Disable
    }
    apply_bd_automation -rule $ps_rule -config $rule [get_bd_cells ps]
    if {![llength $boards]} { set_property -dict $preset [get_bd_cells ps] }
  }
  if {[llength $config]} { set_property -dict $config [get_bd_cells $cell_name] }
}
create_bd_cell -type module -reference $top system

# ---- Interfaces

stage interfaces
# A DMA's port to memory and its address space, by direction; the system's own has none.
proc master_port {cell way} { return $cell/[expr {$way eq "" ? "m_axi" : "M_AXI_$way"}] }
proc master_space {cell way} { return $cell/[expr {$way eq "" ? "m_axi" : "Data_$way"}] }
proc join_interfaces {from to} {
  connect_bd_intf_net [get_bd_intf_pins $from] [get_bd_intf_pins $to]
}

join_interfaces ps/$ps_master control_net/S00_AXI
set n 0
foreach slave $slaves {
  join_interfaces control_net/M[format %02d $n]_AXI $slave
  incr n
}
set channel 0
foreach {cell reads writes} $dmas {
  if {$reads}  { join_interfaces $cell/M_AXIS_MM2S system/S_AXIS_$channel }
  if {$writes} { join_interfaces system/M_AXIS_$channel $cell/S_AXIS_S2MM }
  incr channel
}
for {set n 0} {$n < [llength $memory_ports]} {incr n} {
  set slot 0
  foreach {cell way} [lindex $memory_ports $n] {
    join_interfaces [master_port $cell $way] memory_net_$n/S[format %02d $slot]_AXI
    incr slot
  }
  join_interfaces memory_net_$n/M00_AXI ps/[hp_port $n]
}

# ---- Clock and reset

stage clocks
set clocked [list ps/$ps_master_clock reset/slowest_sync_clk system/aclk]
set reset_by [list system/aresetn]
foreach {cell reads writes} $dmas {
  lappend clocked $cell/s_axi_lite_aclk
  lappend reset_by $cell/axi_resetn
  if {$reads}  { lappend clocked $cell/m_axi_mm2s_aclk }
  if {$writes} { lappend clocked $cell/m_axi_s2mm_aclk }
}
lappend clocked control_net/aclk
lappend reset_by control_net/aresetn
for {set n 0} {$n < [llength $memory_ports]} {incr n} {
  lappend clocked ps/[hp_clock $n] memory_net_$n/aclk
  lappend reset_by memory_net_$n/aresetn
}
connect_bd_net [get_bd_pins ps/$ps_reset] [get_bd_pins reset/ext_reset_in]
foreach pin $clocked { connect_bd_net [get_bd_pins ps/$ps_clock] [get_bd_pins $pin] }
foreach pin $reset_by { connect_bd_net [get_bd_pins reset/peripheral_aresetn] [get_bd_pins $pin] }

# ---- Addresses

stage addresses
proc give_window {offset range space segment} {
  assign_bd_address -offset $offset -range $range \
    -target_address_space [get_bd_addr_spaces $space] [get_bd_addr_segs $segment] -force
}
give_window [dict get $addresses control] $address_range ps/Data system/s_axi_control/reg0
foreach {cell reads writes} $dmas {
  give_window [dict get $addresses $cell] $address_range ps/Data $cell/S_AXI_LITE/Reg
}
for {set n 0} {$n < [llength $memory_ports]} {incr n} {
  foreach {cell way} [lindex $memory_ports $n] {
    foreach memory [hp_memory $n] {
      # How much there is above 2 GB depends on the board: an UltraScale+ may have none.
      if {[llength [get_bd_addr_segs -quiet ps/$memory]]} {
        assign_bd_address -target_address_space [get_bd_addr_spaces [master_space $cell $way]] \
          [get_bd_addr_segs ps/$memory] -force
      }
    }
    foreach other [hp_others $n] {
      if {[llength [get_bd_addr_segs -quiet ps/$other]]} {
        exclude_bd_addr_seg -target_address_space [get_bd_addr_spaces [master_space $cell $way]] \
          [get_bd_addr_segs ps/$other]
      }
    }
  }
}

stage validate
validate_bd_design
save_bd_design
set design [get_files overlay.bd]
# Synthesised with the rest, so that the ROMs' files are found.
set_property synth_checkpoint_mode None $design
generate_target all $design
add_files -norecurse [make_wrapper -files $design -top]
set_property top overlay_wrapper [current_fileset]
update_compile_order -fileset sources_1

# ---- Synthesis to bitstream

proc complete_run {run args} {
  launch_runs $run -jobs $::jobs {*}$args
  wait_on_run $run
  if {[get_property PROGRESS [get_runs $run]] ne "100%"} {
    set where [get_property DIRECTORY [get_runs $run]]
    error "$run: [get_property STATUS [get_runs $run]]; see $where"
  }
}

file mkdir [here out]
stage synthesis
complete_run synth_1

stage implementation
set_property STEPS.PHYS_OPT_DESIGN.IS_ENABLED true [get_runs impl_1]
launch_runs impl_1 -to_step route_design -jobs $jobs
wait_on_run impl_1
open_run impl_1
report_utilization -hierarchical -hierarchical_depth 4 -file [here out/utilization.rpt]
report_timing_summary -file [here out/timing.rpt]

stage timing
set setup [get_property SLACK [get_timing_paths -delay_type max -max_paths 1]]
set hold  [get_property SLACK [get_timing_paths -delay_type min -max_paths 1]]
puts "TIMING $setup $hold"
if {![string is double -strict $setup] || ![string is double -strict $hold]} {
  error "no timing paths: is the clock there?"
}
if {$setup < 0 || $hold < 0} {
  puts "ERROR: timing is not met: worst setup slack $setup ns, worst hold slack $hold ns"
  exit 4
}
close_design

stage bitstream
complete_run impl_1 -to_step write_bitstream
file copy -force [get_property DIRECTORY [get_runs impl_1]]/overlay_wrapper.bit [here out/$name.bit]
set handoff [glob -nocomplain [here project]/$name.gen/sources_1/bd/overlay/hw_handoff/overlay.hwh]
if {![llength $handoff]} { error "Vivado left no overlay.hwh" }
file copy -force [lindex $handoff 0] [here out/$name.hwh]
# For xmutil (Ubuntu on Kria) and PetaLinux, which make a device tree of it.
write_hw_platform -fixed -include_bit -force -file [here out/$name.xsa]
stage done
