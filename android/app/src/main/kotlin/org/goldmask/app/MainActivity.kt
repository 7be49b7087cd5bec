package org.goldmask.app

import android.Manifest
import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import android.content.pm.PackageManager
import android.content.res.Configuration
import android.graphics.Bitmap
import android.net.Uri
import android.os.Build
import android.os.Bundle
import android.provider.MediaStore
import android.view.View
import android.view.ViewGroup
import android.widget.AdapterView
import android.widget.ArrayAdapter
import android.widget.Button
import android.widget.LinearLayout
import android.widget.PopupMenu
import android.widget.SeekBar
import android.widget.Spinner
import android.widget.TextView
import java.io.File
import org.goldmask.segmenter.Delegate
import org.goldmask.segmenter.ImageFile
import org.goldmask.segmenter.Palette
import org.goldmask.segmenter.SegmenterException

/** The only screen: an image, its mask, the classes in it, and the latency. */
class MainActivity : Activity() {
    private val predictor = Predictor(Pipeline::open) { outcome -> runOnUiThread { if (!isDestroyed) show(outcome) } }
    private var camera: Camera? = null

    // The picture to predict again with another model; the camera's thread stores its last frame here.
    @Volatile
    private var still: Picture? = null
    private val models = mutableListOf<ModelSource>()

    @Volatile
    private lateinit var choice: Choice
    private lateinit var modelNames: ArrayAdapter<String>

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.main)
        // One folder for each version of the app: an update may bring another model of the same name.
        val updated = packageManager.getPackageInfo(packageName, 0).lastUpdateTime
        val folder = noBackupFilesDir.resolve("models-$updated")
        models += assets.list("models").orEmpty().sorted().map { name ->
            ModelSource(name.removeSuffix(".tflite")) { bundledModel(assets, name, folder) }
        }
        choice = Choice(models.first(), DEFAULT_THREADS, Delegate.XNNPACK)
        arrange(resources.configuration)
        listen()
        predict(sample(assets.list("samples").orEmpty().sorted().first { it.startsWith(FIRST_SAMPLE) }))
    }

    override fun onStop() {
        stopCamera()
        super.onStop()
    }

    override fun onDestroy() {
        predictor.close()
        super.onDestroy()
    }

    override fun onConfigurationChanged(configuration: Configuration) {
        super.onConfigurationChanged(configuration)
        arrange(configuration)
    }

    /** Puts the image above the panel, or beside it on a wide screen. */
    private fun arrange(configuration: Configuration) {
        val wide = configuration.orientation == Configuration.ORIENTATION_LANDSCAPE
        findViewById<LinearLayout>(R.id.root).orientation =
            if (wide) LinearLayout.HORIZONTAL else LinearLayout.VERTICAL
        val whole = ViewGroup.LayoutParams.MATCH_PARENT
        val (width, height) = if (wide) 0 to whole else whole to 0
        for (half in listOf(R.id.stage, R.id.panel)) {
            findViewById<View>(half).layoutParams = LinearLayout.LayoutParams(width, height, 1f)
        }
    }

    private fun listen() {
        val mask = findViewById<MaskView>(R.id.mask)
        val opacity = findViewById<SeekBar>(R.id.opacity)
        mask.opacity = opacity.progress / PERCENT
        opacity.setOnSeekBarChangeListener(object : SeekBar.OnSeekBarChangeListener {
            override fun onProgressChanged(bar: SeekBar, progress: Int, fromUser: Boolean) {
                mask.opacity = progress / PERCENT
            }

            override fun onStartTrackingTouch(bar: SeekBar) = Unit
            override fun onStopTrackingTouch(bar: SeekBar) = Unit
        })
        findViewById<Button>(R.id.sample).setOnClickListener(::chooseSample)
        findViewById<Button>(R.id.photo).setOnClickListener { pickPhoto() }
        findViewById<Button>(R.id.camera).setOnClickListener { if (camera == null) startCamera() else stopCamera() }
        modelNames = ArrayAdapter(this, android.R.layout.simple_spinner_item, models.map { it.name }.toMutableList())
        modelNames.add(getString(R.string.open_model))
        offer(R.id.model, modelNames) { if (it < models.size) choose(choice.copy(model = models[it])) else pickModel() }
        offer(R.id.threads, THREADS.map(Int::toString)) { choose(choice.copy(threads = THREADS[it])) }
        offer(R.id.delegate, Delegate.entries.map { it.word }) { choose(choice.copy(delegate = Delegate.entries[it])) }
        findViewById<Spinner>(R.id.threads).setSelection(THREADS.indexOf(choice.threads))
        findViewById<Spinner>(R.id.delegate).setSelection(choice.delegate.ordinal)
    }

    private fun offer(spinner: Int, names: List<String>, chosen: (Int) -> Unit) =
        offer(spinner, ArrayAdapter(this, android.R.layout.simple_spinner_item, names), chosen)

    private fun offer(spinner: Int, names: ArrayAdapter<String>, chosen: (Int) -> Unit) {
        names.setDropDownViewResource(android.R.layout.simple_spinner_dropdown_item)
        findViewById<Spinner>(spinner).apply {
            adapter = names
            onItemSelectedListener = object : AdapterView.OnItemSelectedListener {
                override fun onItemSelected(list: AdapterView<*>?, view: View?, index: Int, id: Long) = chosen(index)
                override fun onNothingSelected(list: AdapterView<*>?) = Unit
            }
        }
    }

    /** Ignores the current choice: spinners also call their listener when they first appear. */
    private fun choose(wanted: Choice) {
        if (wanted == choice) return
        choice = wanted
        if (camera == null) still?.let(::predict)
    }

    private fun predict(picture: Picture) {
        still = picture
        findViewById<TextView>(R.id.ran).text = getString(R.string.predicting, picture.name)
        predictor.predict(picture, choice)
    }

    private fun show(outcome: Outcome) = when (outcome) {
        is Predicted -> show(outcome)
        is Failed -> {
            complain(getString(R.string.error, stageName(outcome.stage), outcome.message))
            forget()
        }
    }

    private fun show(predicted: Predicted) {
        val mask = predicted.segmentation.mask
        val overlay =
            Bitmap.createBitmap(overlayOf(mask, predicted.labels), mask.width, mask.height, Bitmap.Config.ARGB_8888)
        val legend = legendOf(mask, predicted.labels)
        findViewById<MaskView>(R.id.mask).apply {
            show(predicted.image, overlay)
            contentDescription = legend.joinToString { "${it.name} ${share(it)}" }
        }
        showLegend(legend, hasBackground(predicted.labels))
        showLatency(
            R.string.stage_init to predicted.initMs,
            R.string.stage_decode to predicted.decodeMs,
            R.string.stage_preprocess to predicted.segmentation.preprocessMs,
            R.string.stage_inference to predicted.segmentation.inferenceMs,
            R.string.stage_postprocess to predicted.segmentation.postprocessMs
        )
        val runtime = predicted.runtime
        val threads = resources.getQuantityString(R.plurals.ran_threads, runtime.threads, runtime.threads)
        findViewById<TextView>(R.id.ran).text =
            getString(R.string.ran, runtime.name, runtime.version, "${runtime.delegate} · $threads")
        findViewById<View>(R.id.error).visibility = View.GONE
    }

    private fun showLegend(entries: List<LegendEntry>, background: Boolean) {
        fill(R.id.legend, R.layout.legend_entry, entries) { row, entry ->
            row.findViewById<View>(R.id.colour).setBackgroundColor(
                if (background && entry.index == 0) 0 else Palette.argb(entry.index)
            )
            row.findViewById<TextView>(R.id.name).text = entry.name
            row.findViewById<TextView>(R.id.share).text = share(entry)
        }
    }

    /** A class with only a few pixels must not look absent. */
    private fun share(entry: LegendEntry): String {
        val percent = entry.share * PERCENT
        return getString(if (percent < LEAST_PERCENT) R.string.share_small else R.string.share, percent)
    }

    private fun showLatency(vararg stages: Pair<Int, Double>) {
        fill(R.id.latency, R.layout.latency_stage, stages.toList()) { column, (name, milliseconds) ->
            column.findViewById<TextView>(R.id.time).text = getString(R.string.ms, milliseconds)
            column.findViewById<TextView>(R.id.stage_name).setText(name)
        }
    }

    /** One child of [layout] for each of [items]; reuses existing children, because video changes them often. */
    private fun <T> fill(parent: Int, layout: Int, items: List<T>, write: (View, T) -> Unit) {
        val list = findViewById<LinearLayout>(parent)
        while (list.childCount > items.size) list.removeViewAt(list.childCount - 1)
        while (list.childCount < items.size) layoutInflater.inflate(layout, list)
        items.forEachIndexed { position, item -> write(list.getChildAt(position), item) }
    }

    private fun complain(message: String) {
        findViewById<TextView>(R.id.error).apply {
            text = message
            visibility = View.VISIBLE
        }
        findViewById<TextView>(R.id.ran).text = ""
    }

    /** Removes the results of an earlier picture, so that nobody takes them for this one's. */
    private fun forget() {
        findViewById<MaskView>(R.id.mask).clear()
        findViewById<LinearLayout>(R.id.legend).removeAllViews()
        findViewById<LinearLayout>(R.id.latency).removeAllViews()
    }

    private fun stageName(stage: String) = STAGES[stage]?.let(::getString) ?: stage

    private fun sample(name: String) = Picture(name) {
        ImageFile.decode(name, assets.open("samples/$name").use { it.readBytes() })
    }

    private fun chooseSample(anchor: View) {
        PopupMenu(this, anchor).apply {
            assets.list("samples").orEmpty().sorted().forEach { menu.add(it) }
            setOnMenuItemClickListener { item ->
                stopCamera()
                predict(sample(item.title.toString()))
                true
            }
        }.show()
    }

    private fun pickPhoto() {
        val documents = Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*")
        val intents = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) {
            listOf(Intent(MediaStore.ACTION_PICK_IMAGES).setType("image/*"), documents)
        } else {
            listOf(documents)
        }
        pick(intents, PHOTO)
    }

    private fun pickModel() =
        pick(listOf(Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("*/*")), MODEL)

    private fun pick(intents: List<Intent>, request: Int) {
        for (intent in intents) {
            try {
                return startActivityForResult(intent, request)
            } catch (_: ActivityNotFoundException) {
                continue // without the photo picker try documents; without both, complain below
            }
        }
        complain(getString(R.string.no_picker))
        showChosenModel()
    }

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        val uri = data?.data?.takeIf { result == RESULT_OK }
        when {
            uri == null -> showChosenModel()
            request == PHOTO -> {
                stopCamera()
                predict(photo(uri))
            }
            request == MODEL -> addModel(uri)
        }
    }

    private fun photo(uri: Uri): Picture {
        val name = nameOf(contentResolver, uri)
        return Picture(name) {
            val copy = explained("decode") { pickedFile(contentResolver, uri, cacheDir.resolve("photo")) }
            ImageFile.decode(name, copy.readBytes())
        }
    }

    private fun addModel(uri: Uri) {
        val file = File(cacheDir, "models/${models.size}.tflite")
        val source = ModelSource(nameOf(contentResolver, uri)) {
            if (file.isFile) file else explained("init") { pickedFile(contentResolver, uri, file) }
        }
        file.delete() // may be left from an earlier start
        models += source
        modelNames.insert(source.name, models.size - 1)
        choose(choice.copy(model = source))
        showChosenModel()
    }

    private fun explained(stage: String, get: () -> File): File = try {
        get()
    } catch (error: FileProblem) {
        throw SegmenterException(stage, getString(R.string.cannot_open, error.message), error)
    }

    private fun showChosenModel() = findViewById<Spinner>(R.id.model).setSelection(models.indexOf(choice.model))

    private fun startCamera() {
        if (checkSelfPermission(Manifest.permission.CAMERA) != PackageManager.PERMISSION_GRANTED) {
            return requestPermissions(arrayOf(Manifest.permission.CAMERA), CAMERA)
        }
        findViewById<Button>(R.id.camera).setText(R.string.stop)
        camera = Camera(
            this,
            wanted = { !predictor.busy },
            onFrame = { frame ->
                val picture = Picture(getString(R.string.camera)) { frame }
                still = picture
                predictor.predict(picture, choice)
            },
            onError = { sentence ->
                runOnUiThread {
                    stopCamera()
                    complain(sentence)
                }
            }
        ).also { it.open() }
    }

    private fun stopCamera() {
        camera?.close()
        camera = null
        findViewById<Button>(R.id.camera).setText(R.string.camera)
    }

    override fun onRequestPermissionsResult(request: Int, permissions: Array<String>, results: IntArray) {
        if (results.firstOrNull() == PackageManager.PERMISSION_GRANTED) return startCamera()
        val forGood = !shouldShowRequestPermissionRationale(Manifest.permission.CAMERA)
        complain(getString(if (forGood) R.string.camera_refused_for_good else R.string.camera_refused))
    }

    private companion object {
        const val PHOTO = 1
        const val MODEL = 2
        const val CAMERA = 3
        const val PERCENT = 100f
        const val LEAST_PERCENT = 0.05
        const val DEFAULT_THREADS = 2
        const val FIRST_SAMPLE = "exif_rotated"
        val THREADS = listOf(1, 2, 4, 8)
        val STAGES = mapOf(
            "init" to R.string.stage_init,
            "decode" to R.string.stage_decode,
            "preprocess" to R.string.stage_preprocess,
            "inference" to R.string.stage_inference,
            "postprocess" to R.string.stage_postprocess
        )
    }
}
