package com.example.camera;

import android.graphics.Bitmap;
import android.graphics.Color;
import java.io.File;
import org.tensorflow.lite.Interpreter;

/** Somebody's app as it was before it met goldmask: nested arrays, its own scaling, its own loops. */
public class PersonFinder {
    private final Interpreter interpreter;
    private final int side;
    private final int classes;

    public PersonFinder(File model, int threads) {
        interpreter = new Interpreter(model, new Interpreter.Options().setNumThreads(threads).setUseXNNPACK(true));
        side = interpreter.getInputTensor(0).shape()[1];
        classes = interpreter.getOutputTensor(0).shape()[3];
    }

    /** The photo as the model sees it: that of the last {@link #find}. */
    public Bitmap small;

    /** What the model is fed: that of the last {@link #find}. */
    public float[][][][] input;

    protected Bitmap scale(Bitmap photo, int side) {
        return Bitmap.createScaledBitmap(photo, side, side, true);
    }

    protected float[] channels(int pixel) {
        return new float[] {
                Color.red(pixel) / 127.5f - 1f, Color.green(pixel) / 127.5f - 1f, Color.blue(pixel) / 127.5f - 1f};
    }

    public int[][] find(Bitmap photo) {
        small = scale(photo, side);
        input = new float[1][side][side][];
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < side; x++) {
                input[0][y][x] = channels(small.getPixel(x, y));
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
