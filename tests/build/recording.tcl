# What stand-ins for the vendor's tools share: commands that record what a build script does, one line a
# fact, fields between tabs, into the file `record`. Commands and options are those that the script may
# use; any other is an error, as in the tool.

set out [open $record w]
proc note {args} { puts $::out [join $args \t]; flush $::out }

# Option values by name, and what is left.
proc parse {name flags valued words} {
  set opt {}
  set rest {}
  for {set i 0} {$i < [llength $words]} {incr i} {
    set word [lindex $words $i]
    if {$word in $flags} {
      dict set opt $word 1
    } elseif {$word in $valued} {
      dict set opt $word [lindex $words [incr i]]
    } elseif {[regexp {^-[a-z]} $word]} {
      error "$name: unknown option $word"
    } else {
      lappend rest $word
    }
  }
  return [list $opt $rest]
}

# Commands by name, each with its flags and its options with a value. What one does stands in do_<name>,
# with such a list of options and the other words; the others are recorded as calls.
proc define {known} {
  foreach {command flags valued} $known {
    proc $command {args} [string map [list NAME $command FLAGS $flags VALUED $valued] {
      lassign [parse NAME {FLAGS} {VALUED} $args] opt rest
      if {[info procs do_NAME] ne ""} { return [do_NAME $opt $rest] }
      note call NAME {*}$args
      return [lindex $rest 0]
    }]
  }
}

# Runs the script. The vendor's Tcl may be 8.5.
proc replay {script} {
  foreach command {lmap try throw tailcall coroutine} { rename $command {} }
  uplevel #0 [list source $script]
}
