#!/bin/sh
echo "deployed at $(date -u +%FT%TZ)" >> /var/log/releases.log
