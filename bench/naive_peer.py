"""What Lumen is measured against: the same networks behind Flask as tutorials put them there.

Keras loads them, `predict` answers, Grad-CAM goes by gradient tape, SQLAlchemy keeps the result, the page is a template
string. It has no sign-in, no gate, no calibration and no checks of what is uploaded: work that it does not do. Where
tutorials differ it takes the quicker way (the model for Grad-CAM is built once, not for each image).

PEER_NETWORKS: JSON, task name -> path of model.keras. PEER_FOLDER: where its database and pictures lie.
"""

import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

import cv2
import keras
import numpy as np
import tensorflow as tf
from flask import Flask, render_template_string, request
from flask_sqlalchemy import SQLAlchemy
from PIL import Image
from sqlalchemy.exc import OperationalError
from werkzeug.utils import secure_filename

FOLDER = Path(os.environ["PEER_FOLDER"])
PAGE = """<!doctype html>
<title>Result</title>
<h1>{{ label }}: {{ "%.2f" % (probability * 100) }} %</h1>
<img src="/pictures/{{ picture }}"> <img src="/pictures/{{ heatmap }}">
"""

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{FOLDER / 'peer.db'}"
db = SQLAlchemy(app)

networks = {
    task: keras.saving.load_model(path, compile=False) for task, path in json.loads(os.environ["PEER_NETWORKS"]).items()
}
cam_networks = {
    task: keras.Model(network.inputs[0], [network.get_layer("features").input, network.output])
    for task, network in networks.items()
}


class Result(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    created_at = db.Column(db.DateTime, default=lambda: datetime.now(UTC))
    task = db.Column(db.String(40))
    picture = db.Column(db.String(255))
    heatmap = db.Column(db.String(255))
    label = db.Column(db.String(40))
    probability = db.Column(db.Float)


with app.app_context():
    try:
        db.create_all()
    except OperationalError:
        # Another worker made the table at the same moment.
        db.session.rollback()


@app.get("/")
def index() -> str:
    return "<form method=post action=/predict enctype=multipart/form-data><input type=file name=image></form>"


@app.post("/predict")
def predict() -> str:
    task, file = request.form["task"], request.files["image"]
    picture = f"{uuid.uuid4().hex}-{secure_filename(file.filename or 'picture')}"
    file.save(FOLDER / picture)

    image = Image.open(FOLDER / picture).convert("RGB")
    _, height, width, _ = networks[task].input_shape
    batch = np.expand_dims(np.array(image.resize((width, height))) / 255.0, axis=0).astype(np.float32)
    logits = first_head(networks[task].predict(batch))
    probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    best = int(probabilities.argmax())

    heatmap = f"heatmap-{picture}.jpg"
    save_overlay(image, grad_cam(task, batch, best), FOLDER / heatmap)
    result = Result(
        task=task, picture=picture, heatmap=heatmap, label=str(best), probability=float(probabilities[best])
    )
    db.session.add(result)
    db.session.commit()
    return render_template_string(
        PAGE, label=result.label, probability=result.probability, picture=picture, heatmap=heatmap
    )


def first_head(outputs) -> np.ndarray:
    """The logits of the first head, flat."""
    return np.asarray(next(iter(outputs.values()))).reshape(-1)


def grad_cam(task: str, batch: np.ndarray, label: int) -> np.ndarray:
    """Where the evidence for this label lies, 0 to 1."""
    with tf.GradientTape() as tape:
        feature_map, outputs = cam_networks[task](batch)
        score = tf.reshape(next(iter(outputs.values())), (-1,))[label]
    importance = tf.reduce_mean(tape.gradient(score, feature_map), axis=(0, 1, 2))
    heat = tf.maximum(tf.squeeze(feature_map[0] @ importance[..., tf.newaxis]), 0)
    return (heat / (tf.reduce_max(heat) + 1e-9)).numpy()


def save_overlay(image: Image.Image, heat: np.ndarray, path: Path) -> None:
    """The picture under its heatmap, as JPEG."""
    pixels = np.array(image)
    enlarged = cv2.resize(heat, (pixels.shape[1], pixels.shape[0]))
    colours = cv2.cvtColor(cv2.applyColorMap((255 * enlarged).astype(np.uint8), cv2.COLORMAP_JET), cv2.COLOR_BGR2RGB)
    Image.fromarray(cv2.addWeighted(pixels, 0.6, colours, 0.4, 0)).save(path)
