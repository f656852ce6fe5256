"""The one-pass student: what a bridge takes a hundred network calls for, distilled into one."""
