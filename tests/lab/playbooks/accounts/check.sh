[ "$(getent passwd lab-app)" = "lab-app:x:1500:1600:The lab's own:/srv/lab-app:/bin/sh" ]
[ "$(id -Gn lab-app | tr ' ' '\n' | sort | tr '\n' ' ')" = 'lab-extra lab-team video ' ]
[ "$(stat -c '%U %G' /srv/lab-app)" = 'lab-app lab-team' ]
case $(getent shadow lab-app) in 'lab-app:$6$lab$'*) ;; *) exit 1 ;; esac
case $(getent shadow lab-daemon) in 'lab-daemon:!'*) ;; *) exit 1 ;; esac
case $(getent group lab-team) in lab-team:x:1600:*lab-daemon*) ;; *) exit 1 ;; esac
[ "$(getent group lab-extra | cut -d: -f3)" -lt 1000 ]
! getent passwd lab-gone
[ "$(stat -c '%a %U' /srv/lab-app/.ssh /srv/lab-app/.ssh/authorized_keys)" = '700 lab-app
600 lab-app' ]
[ "$(wc -l </srv/lab-app/.ssh/authorized_keys)" -eq 2 ]
[ "$(grep -c '^no-pty ssh-ed25519 ' /srv/lab-app/.ssh/authorized_keys)" -eq 2 ]
