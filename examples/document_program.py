#coding:utf-8
from PIL import Image
import numpy as np
from npcnn import layers
import npcnn as keras
import matplotlib.pyplot as plt
import glob
import sys

np.set_printoptions(threshold=np.inf)

folder = sys.argv[1] if len(sys.argv) > 1 else '.'#train_images 和 test_images 所在的文件夹
wid = 28#定义图片的宽
hei = 28#定义图片的长

def process(preimg):#读取图片，将它转化成 np.array 的格式
    imge = Image.open(preimg,'r')
    imge = imge.convert('L')
    imge = imge.resize((wid,hei))
    return (np.asarray(imge))
trainset = []
trainexpe = []
testset = []
testexpe = []
train_src = glob.glob(folder + "/train_images/*.jpg")#训练数据
test_src = glob.glob(folder + "/test_images/*.jpg")#测试数据
for data in train_src:#数据填充到数组中
    trainset.append(process(data))
    datatem = [0] * 10
    datatem[int(data [-5])] = 1
    trainexpe.append(datatem)
for data in test_src:
    testset.append(process(data))
    datatem = [0] * 10
    datatem[int(data [-5])] = 1
    testexpe.append(datatem)
trainset = np.array(trainset).reshape((-1,wid,hei,1))
trainexpe = np.array(trainexpe)
testset = np.array(testset).reshape((-1,wid,hei,1))
testexpe = np.array(testexpe)
def create_model():
    model = keras.Sequential()
    model.add(layers.Conv2D(5, (3, 3), activation='relu', input_shape=(wid,hei,1),padding = 'same'))
    '''
    filters 要去训练多少个卷积核
    kernel_size: 卷积核大小
    activation: 非线性化所需要去使用的激活函数
    input_shape:输入数据的形状
    padding:same 表示填充一圈, valid 表示不填充
    strides 表示滑动的步长
    '''
    model.add(layers.Conv2D(5, (3, 3), activation='relu', padding = 'same'))#第二层添加的时候就不需要 input_shape 这个参数了, 因为默认是根据上一层输出的形状进行计算。
    model.add(layers.MaxPooling2D(pool_size = (2,2)))#默认 maxpooling 大小为 (2,2)
    model.add(layers.Conv2D(10, (3, 3), activation='relu', padding = 'same'))
    model.add(layers.Conv2D(10, (3, 3), activation='relu', padding = 'same'))
    model.add(layers.MaxPooling2D(pool_size = (2,2)))
    #model.summary()#显示 model 信息
    model.add(layers.Flatten())#将数据压缩成一维数组
    model.add(layers.Dense(128, activation='relu'))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10, activation='softmax'))
    return model

model = create_model()#load_model("test.h5")
model.compile(optimizer="adam",loss= "categorical_crossentropy",metrics=['accuracy'])
history = model.fit(trainset,trainexpe,batch_size=60,epochs=25,verbose=2, validation_data=(testset,testexpe))

plt.plot(history.history['accuracy'])
plt.plot(history.history['val_accuracy'])
plt.title('Model accuracy')
plt.ylabel('Accuracy')
plt.xlabel('Epoch')
plt.legend(['Train', 'Test'], loc='upper left')
plt.show()
# 绘制训练 & 验证的损失值
plt.plot(history.history['loss'])
plt.plot(history.history['val_loss'])
plt.title('Model loss')
plt.ylabel('Loss')
plt.xlabel('Epoch')
plt.legend(['Train', 'Test'], loc='upper left')
plt.show()
model.save('test.h5')
