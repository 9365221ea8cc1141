import models


def test_the_front_page_says_what_lumen_is_and_is_not(client):
    page = client.get("/").text
    assert "not a diagnosis" in page
    for task in models.all_tasks():
        assert task.title in page


def test_a_signed_in_user_goes_to_the_upload(clinician):
    assert clinician.get("/").location == "/upload"
