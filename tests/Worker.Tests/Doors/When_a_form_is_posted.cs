using System.Net;
using System.Text;

namespace LeadPipeline.Worker.Tests.Doors;

public sealed class When_a_form_is_posted
{
    private const string UrlEncoded = "application/x-www-form-urlencoded";

    [Test]
    public async Task Should_send_the_browser_to_the_page_that_follows()
    {
        using var response = await DoorService.PostAsync("/forms/contact", "email=browser%40door.example&name=Bo+Browser", UrlEncoded, ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"), ("Origin", "https://www.example.com"));

        Assert.That((response.StatusCode, response.Headers.Location?.ToString()), Is.EqualTo((HttpStatusCode.SeeOther, "/thanks.html")));
    }

    [Test]
    public async Task Should_answer_a_program_with_JSON_and_keep_every_field()
    {
        using var response = await DoorService.PostAsync("/forms/contact", "E-Mail=program%40door.example&Vorname=Pia&Nachname=Post&Firma=Acme&budget=10k&topic=a&topic=b&id=7&source=x", UrlEncoded, ("Accept", "application/json"));
        var lead = await DoorService.LeadAsync(response);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
            Assert.That((lead.Email, lead.FirstName, lead.LastName, lead.Company, lead.Source, lead.ExternalId), Is.EqualTo(("program@door.example", "Pia", "Post", "Acme", "contact", (string?)null)));
            Assert.That(lead.CustomFields, Is.EquivalentTo(new Dictionary<string, string> { ["budget"] = "10k", ["topic"] = "a, b", ["id"] = "7", ["source"] = "x" }));
        }
    }

    [Test]
    public async Task Should_read_multipart_and_latin_1()
    {
        using var multipart = await DoorService.PostAsync("/forms/fair", "--X\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\nmulti@door.example\r\n--X--\r\n", "multipart/form-data; boundary=X");
        using var latin = await DoorService.PostAsync("/forms/fair", Encoding.Latin1.GetBytes("email=latin%40door.example&firstName=Zo\u00eb"), UrlEncoded + "; charset=iso-8859-1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await DoorService.LeadAsync(multipart)).Email, Is.EqualTo("multi@door.example"));
            Assert.That((await DoorService.LeadAsync(latin)).FirstName, Is.EqualTo("Zoë"));
        }
    }

    [Test]
    public async Task Should_believe_nothing_that_a_form_says_of_companies()
    {
        using var response = await DoorService.PostAsync("/forms/fair", "email=claims%40door.example&enrichment.employees=5000&trusted=true", UrlEncoded);
        var lead = await DoorService.LeadAsync(response);

        Assert.That((lead.Trusted, lead.Enrichment), Is.EqualTo((false, (object?)null)));
    }

    [Test]
    public async Task Should_answer_a_machine_as_if_it_had_been_taken()
    {
        using var browser = await DoorService.PostAsync("/forms/contact", "email=bot%40door.example&_gotcha=x", UrlEncoded);
        using var program = await DoorService.PostAsync("/forms/fair", "email=bot%40door.example&url2=http://spam.example", UrlEncoded);
        var answer = await DoorService.JsonAsync(program);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(browser.StatusCode, Is.EqualTo(HttpStatusCode.SeeOther));
            Assert.That(program.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
            Assert.That(await DoorService.StoredAsync(Guid.Parse(answer["leadId"]!.GetValue<string>())), Is.Null);
        }
    }

    [Test]
    public async Task Should_take_a_form_whose_hidden_field_was_left_empty()
    {
        using var response = await DoorService.PostAsync("/forms/fair", "email=human%40door.example&url2=", UrlEncoded);

        Assert.That((await DoorService.LeadAsync(response)).CustomFields, Is.Empty);
    }

    [TestCase("/forms/nobody", "email=a%40b.de", 404)]
    [TestCase("/forms/contact", "name=Nobody", 400)]
    [TestCase("/forms/contact", "email=nobody", 400)]
    [TestCase("/forms/contact", "email=a%40b.de&email=c%40d.de", 400)]
    [TestCase("/forms/contact", "email=a%40b.de&name=%FF", 400)]
    [TestCase("/forms/contact", "email=a%40b.de&name=%00", 400)]
    [TestCase("/forms/contact", "", 400)]
    public async Task Should_refuse_what_cannot_be_a_lead(string path, string body, int status)
    {
        using var response = await DoorService.PostAsync(path, body, UrlEncoded);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)response.StatusCode, Is.EqualTo(status));
            Assert.That(response.Content.Headers.ContentType!.MediaType, Is.EqualTo("application/problem+json"));
        }
    }

    [Test]
    public async Task Should_show_a_person_what_to_correct_and_nothing_of_what_was_typed()
    {
        using var response = await DoorService.PostAsync("/forms/contact", "email=%3Cscript%3Ealert(1)%3C/script%3E&%3Cb%3E=%FF", UrlEncoded, ("Accept", "text/html"));
        var page = await response.Content.ReadAsStringAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((response.StatusCode, response.Content.Headers.ContentType!.MediaType), Is.EqualTo((HttpStatusCode.BadRequest, "text/html")));
            Assert.That(page, Does.Not.Contain("<script>").And.Not.Contain("<b>").And.Contain("&lt;b&gt;"));
        }
    }

    [TestCase("https://evil.example", null, 403)]
    [TestCase("null", null, 403)]
    [TestCase(null, "https://evil.example/page", 403)]
    [TestCase("https://www.example.com", null, 303)]
    [TestCase(null, null, 303, Description = "a program on this machine")]
    public async Task Should_let_pages_of_allowed_sites_post(string? origin, string? referer, int status)
    {
        var headers = new[] { ("Origin", origin), ("Referer", referer) }.Where(h => h.Item2 is not null).Select(h => (h.Item1, h.Item2!)).ToArray();

        using var response = await DoorService.PostAsync("/forms/contact", "email=origin%40door.example", UrlEncoded, headers);

        Assert.That((int)response.StatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task Should_let_scripts_of_allowed_pages_alone_read_the_answer()
    {
        using var allowed = await DoorService.PostAsync("/forms/contact", "email=script%40door.example", UrlEncoded, ("Origin", "https://www.example.com"), ("Accept", "application/json"));
        using var own = await DoorService.PostAsync("/forms/contact", "email=script%40door.example", UrlEncoded, ("Origin", DoorService.Address.GetLeftPart(UriPartial.Authority)));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(allowed.Headers.GetValues("Access-Control-Allow-Origin"), Is.EqualTo(new[] { "https://www.example.com" }));
            Assert.That(own.StatusCode, Is.EqualTo(HttpStatusCode.SeeOther));
            Assert.That(own.Headers.Contains("Access-Control-Allow-Origin"), Is.False);
        }
    }

    [TestCase("application/json", 415)]
    [TestCase("text/plain", 415)]
    [TestCase("multipart/form-data", 400)]
    [TestCase(UrlEncoded + "; charset=utf-16", 415)]
    public async Task Should_take_only_forms(string contentType, int status)
    {
        using var response = await DoorService.PostAsync("/forms/contact", "email=a%40b.de", contentType);

        Assert.That((int)response.StatusCode, Is.EqualTo(status));
    }
}
