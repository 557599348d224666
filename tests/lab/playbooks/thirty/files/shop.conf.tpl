name = {{ name }}
listen = {{ port }}
pages = {{ pages }}
