"""The diffusion autoencoder: a frame becomes two visual tokens, visual tokens become a frame again.

`compressor` reduces the vision encoder's tokens to visual tokens; `conditioning` puts them beside the
script's sentences and faces; `renderer` denoises latents under that conditioning, as `noise_schedule` says;
`vae` turns latents into pixels.
Source: MovieDreamer, sections 3.2 and 3.5.
"""
