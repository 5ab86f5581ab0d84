"""Makes the pictures of the tests, with Pillow 12 of PyPI. Their left half is red and their right half blue."""
from PIL import Image
import os
out = os.path.dirname(os.path.abspath(__file__)) + '/'
def halves(mode='RGB', size=(60,40)):
    im=Image.new('RGB', size, (220,20,20)); im.paste((20,20,220),(size[0]//2,0,size[0],size[1])); return im.convert(mode)
im=halves(); ex=Image.Exif(); ex[0x0112]=6; ex[0x010e]='SECRET-PLACE'
gps=ex.get_ifd(0x8825); gps[1]='N'; gps[2]=(52.0,31.0,12.0)
im.save(out+'rotated.jpg', quality=90, exif=ex)
halves('CMYK').save(out+'cmyk.jpg', quality=90)
halves('L').save(out+'grey.jpg', quality=90)
halves().save(out+'progressive.jpg', quality=90, progressive=True)
i16=Image.new('I;16',(60,40)); 
for x in range(60):
    for y in range(40): i16.putpixel((x,y), x*1000)
i16.save(out+'sixteen.png')
rgba=Image.new('RGBA',(60,40),(0,0,0,0)); rgba.paste((20,200,20,255),(20,10,40,30)); rgba.save(out+'transparent.png')
rgba.save(out+'transparent.webp', lossless=True)
halves().save(out+'plain.webp', quality=80)
halves().save(out+'moving.webp', save_all=True, append_images=[halves().rotate(180)], duration=100)
halves().save(out+'moving.png', save_all=True, append_images=[halves().rotate(180)], duration=100)
halves().save(out+'picture.gif')
