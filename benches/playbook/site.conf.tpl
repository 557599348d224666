# written for a measurement
server_name {{ site }};
listen {{ port }};
