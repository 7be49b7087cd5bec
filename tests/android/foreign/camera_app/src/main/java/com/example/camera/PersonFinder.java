package com.example.camera;

import android.graphics.Bitmap;
import android.graphics.Color;
import java.io.File;
import org.tensorflow.lite.Interpreter;

/** Somebody's app as it was before it met goldmask: nested arrays, its own scaling, its own loops. */
public final class PersonFinder {
    private final Interpreter interpreter;
    private final int side;
    private final int classes;

    public PersonFinder(File model, int threads) {
        interpreter = new Interpreter(model, new Interpreter.Options().setNumThreads(threads).setUseXNNPACK(true));
        side = interpreter.getInputTensor(0).shape()[1];
        classes = interpreter.getOutputTensor(0).shape()[3];
    }

    public int[][] find(Bitmap photo) {
        Bitmap small = Bitmap.createScaledBitmap(photo, side, side, true);
        float[][][][] input = new float[1][side][side][3];
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < side; x++) {
                int pixel = small.getPixel(x, y);
                input[0][y][x][0] = Color.red(pixel) / 127.5f - 1f;
                input[0][y][x][1] = Color.green(pixel) / 127.5f - 1f;
                input[0][y][x][2] = Color.blue(pixel) / 127.5f - 1f;
            }
        }
        float[][][][] output = new float[1][side][side][classes];
        interpreter.run(input, output);
        int[][] winners = new int[side][side];
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < side; x++) {
                for (int c = 1; c < classes; c++) {
                    if (output[0][y][x][c] > output[0][y][x][winners[y][x]]) {
                        winners[y][x] = c;
                    }
                }
            }
        }
        return winners;
    }

    public void close() {
        interpreter.close();
    }
}
