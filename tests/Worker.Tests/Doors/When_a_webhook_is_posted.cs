using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Tests.Intake.Webhooks;

namespace LeadPipeline.Worker.Tests.Doors;

public sealed class When_a_webhook_is_posted
{
    [Test]
    public async Task Should_take_a_signed_lead_and_know_it_again()
    {
        var body = """{"type":"lead.created","timestamp":"2026-01-02T03:04:05Z","data":{"email":"std@door.example","enrichment":{"employees":9}}}""";

        using var first = await DoorService.PostAsync("/webhooks/standard", body, headers: Signing.Standard("msg_take", body));
        using var again = await DoorService.PostAsync("/webhooks/standard", body, headers: Signing.Standard("msg_take", body, DoorService.NextWhsec));
        var (answer, copy, lead) = (await DoorService.JsonAsync(first), await DoorService.JsonAsync(again), await DoorService.LeadAsync(first));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
            Assert.That(answer["status"]!.GetValue<string>(), Is.EqualTo("accepted"));
            Assert.That(copy["leadId"]!.GetValue<string>(), Is.EqualTo(answer["leadId"]!.GetValue<string>()));
            Assert.That(copy["duplicate"]!.GetValue<bool>(), Is.True);
            Assert.That((lead.Email, lead.Source, lead.Trusted), Is.EqualTo(("std@door.example", "standard", false)));
        }
    }

    [Test]
    public async Task Should_believe_a_trusted_sender()
    {
        var body = VendorSamples.Body("calendly").ToJsonString();

        using var response = await DoorService.PostAsync("/webhooks/calendly", body, headers: Signing.Calendly(body));

        Assert.That((await DoorService.LeadAsync(response)).Trusted, Is.True);
    }

    [Test]
    public async Task Should_take_every_vendors_post()
    {
        var (typeform, google, calendly) = (VendorSamples.Body("typeform").ToJsonString(), VendorSamples.Body("google-ads"), VendorSamples.Body("calendly").ToJsonString());
        google["google_key"] = "example-google-key";
        var partner = """{"event":"lead.created","leads":[{"id":7,"contact":{"email":"p7@door.example","nick":"Pip"}}]}""";

        using var a = await DoorService.PostAsync("/webhooks/typeform", typeform, headers: Signing.Typeform(typeform));
        using var b = await DoorService.PostAsync("/webhooks/google-ads", google.ToJsonString());
        using var c = await DoorService.PostAsync("/webhooks/Calendly", calendly, headers: Signing.Calendly(calendly));
        using var d = await DoorService.PostAsync("/webhooks/marketo", "email=m%40door.example&Company+Name=Acme", "application/x-www-form-urlencoded", ("X-Webhook-Secret", DoorService.Secret));
        using var e = await DoorService.PostAsync("/webhooks/partner", partner, headers: Signing.Partner(partner));
        var fromPartner = await DoorService.LeadAsync(e);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { a, b, c, d, e }.Select(r => r.StatusCode), Is.All.EqualTo(HttpStatusCode.Accepted));
            Assert.That((await DoorService.LeadAsync(a)).Email, Is.EqualTo("gaelle.dostrel@kestrel-freight.example"));
            Assert.That((await DoorService.LeadAsync(b)).Source, Is.EqualTo("google-ads"));
            Assert.That((await DoorService.LeadAsync(d)).Company, Is.EqualTo("Acme"));
            Assert.That((fromPartner.Email, fromPartner.FirstName, fromPartner.Source), Is.EqualTo(("p7@door.example", "Pip", "partner-fair")));
        }
    }

    [Test]
    public async Task Should_answer_for_each_of_several_leads()
    {
        var body = """{"event":"lead.created","leads":[{"id":1,"contact":{"email":"p1@door.example"}},{"id":2,"contact":{"email":"nobody"}},{"id":3,"contact":{}}]}""";

        using var response = await DoorService.PostAsync("/webhooks/partner", body, headers: Signing.Partner(body));
        var results = (await DoorService.JsonAsync(response))["results"]!.AsArray();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
            Assert.That(results.Select(r => r!["leadId"] is not null), Is.EqualTo(new[] { true, false, false }));
            Assert.That(results[2]!["errors"]![0]!["field"]!.GetValue<string>(), Is.EqualTo("email"));
        }
    }

    [TestCase("/webhooks/nobody", 404, "not-found")]
    [TestCase("/webhooks/generic", 503, "not-configured")]
    [TestCase("/webhooks/standard", 401, "bad-signature")]
    [TestCase("/webhooks/hubspot", 401, "bad-signature")]
    [TestCase("/webhooks/typeform", 401, "bad-signature")]
    [TestCase("/webhooks/meta", 401, "bad-signature")]
    [TestCase("/webhooks/google-ads", 401, "bad-signature")]
    [TestCase("/webhooks/calendly", 401, "bad-signature")]
    [TestCase("/webhooks/webflow", 401, "bad-signature")]
    [TestCase("/webhooks/marketo", 401, "bad-signature")]
    [TestCase("/webhooks/partner", 401, "bad-signature")]
    public async Task Should_take_nothing_that_is_not_signed(string path, int status, string code)
    {
        using var response = await DoorService.PostAsync(path, """{"data":{"email":"unsigned@door.example"}}""");

        Assert.That(((int)response.StatusCode, (await DoorService.JsonAsync(response))["title"]!.GetValue<string>()), Is.EqualTo((status, code)));
    }

    [Test]
    public async Task Should_not_take_a_recorded_post_played_back_later()
    {
        var body = """{"data":{"email":"late@door.example"}}""";
        var late = DateTimeOffset.UtcNow.AddMinutes(-6).ToUnixTimeSeconds().ToString();

        using var response = await DoorService.PostAsync("/webhooks/standard", body, headers: Signing.Standard("msg_late", body, at: late));

        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [TestCase("""{"data":{"name":"No Address"}}""", 422, "no-email")]
    [TestCase("""{"data":{"email":""}}""", 422, "no-email")]
    [TestCase("""{"data":{"email":"nobody"}}""", 400, "invalid")]
    [TestCase("""{"data":5}""", 400, "invalid")]
    [TestCase("""{"data":{"email":"a@b.de","email":"c@d.de"}}""", 400, "invalid")]
    [TestCase("""{"data":{"email":"a@b.de","x":"\ud800"}}""", 400, "invalid")]
    [TestCase("""{"data":{"email":"a@b.de","x":NaN}}""", 400, "invalid")]
    [TestCase("""{"data":""", 400, "invalid")]
    public async Task Should_say_what_is_wrong_with_a_signed_post(string body, int status, string code)
    {
        using var response = await DoorService.PostAsync("/webhooks/standard", body, headers: Signing.Standard("msg_wrong", body));
        var problem = await DoorService.JsonAsync(response);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(((int)response.StatusCode, problem["title"]!.GetValue<string>()), Is.EqualTo((status, code)));
            Assert.That(problem["errors"]![0]!["field"]!.GetValue<string>(), Is.Not.Empty);
        }
    }

    [TestCase("/leads")]
    [TestCase("/webhooks/standard")]
    [TestCase("/forms/contact")]
    public async Task Should_refuse_bodies_that_are_compressed_or_too_long(string path)
    {
        using var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(new byte[10_000_000]);
        var type = path == "/forms/contact" ? "application/x-www-form-urlencoded" : "application/json";

        using var bomb = await DoorService.PostAsync(path, zipped.ToArray(), type, ("Content-Encoding", "gzip"));
        using var brotli = await DoorService.PostAsync(path, [1, 2, 3], type, ("Content-Encoding", "br"));
        using var large = await DoorService.PostAsync(path, new byte[1_000_001], type);

        Assert.That(new[] { bomb, brotli, large }.Select(r => (int)r.StatusCode), Is.EqualTo(new[] { 415, 415, 413 }));
    }

    [Test]
    public async Task Should_refuse_nesting_without_end_at_every_JSON_door()
    {
        var body = "{\"data\":" + new string('[', 100) + new string(']', 100) + "}";

        using var lead = await DoorService.PostAsync("/leads", body);
        using var webhook = await DoorService.PostAsync("/webhooks/standard", body, headers: Signing.Standard("msg_deep", body));

        Assert.That((lead.StatusCode, webhook.StatusCode), Is.EqualTo((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest)));
    }

    [TestCase("text/plain", 415)]
    [TestCase("application/x-www-form-urlencoded", 415)]
    [TestCase("application/json; charset=latin1", 415)]
    [TestCase("application/cloudevents+json", 202)]
    public async Task Should_take_only_what_it_can_read(string contentType, int status)
    {
        var body = """{"data":{"email":"type@door.example"}}""";

        using var response = await DoorService.PostAsync("/webhooks/standard", body, contentType, Signing.Standard("msg_type", body));

        Assert.That((int)response.StatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task Should_ignore_what_is_no_lead_without_asking_for_it_again()
    {
        var (canceled, google, partner) = ("""{"event":"invitee.canceled","payload":{}}""", VendorSamples.Body("google-ads"), """{"event":"lead.deleted"}""");
        (google["google_key"], google["is_test"], google["lead_id"]) = ("example-google-key", true, "test-only");

        using var a = await DoorService.PostAsync("/webhooks/calendly", canceled, headers: Signing.Calendly(canceled));
        using var b = await DoorService.PostAsync("/webhooks/google-ads", google.ToJsonString());
        using var c = await DoorService.PostAsync("/webhooks/partner", partner, headers: Signing.Partner(partner));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { a, b, c }.Select(r => r.StatusCode), Is.All.EqualTo(HttpStatusCode.Accepted));
            Assert.That((await DoorService.JsonAsync(b)).ToJsonString(), Is.EqualTo("""{"status":"ignored","reason":"a test lead"}"""));
        }
    }

    [Test]
    public async Task Should_keep_ids_that_nobody_can_look_up_yet()
    {
        var body = VendorSamples.Body("hubspot").ToJsonString();

        using var response = await DoorService.PostAsync("/webhooks/hubspot", body, headers: Signing.HubSpot(body));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)response.StatusCode, Is.EqualTo(202));
            Assert.That((await DoorService.JsonAsync(response)).ToJsonString(), Is.EqualTo("""{"status":"deferred","reason":"no-access-token"}"""));
        }
    }

    [Test]
    public async Task Should_check_HubSpots_signature_of_the_address_that_it_called()
    {
        var query = "?a=b%3Ac";

        using var right = await DoorService.PostAsync("/webhooks/hubspot" + query, "[]", headers: Signing.HubSpot("[]", "https://leads.example.com/webhooks/hubspot?a=b:c"));
        using var wrong = await DoorService.PostAsync("/webhooks/hubspot" + query, "[]", headers: Signing.HubSpot("[]", DoorService.Address + "webhooks/hubspot?a=b:c"));

        Assert.That((right.StatusCode, wrong.StatusCode), Is.EqualTo((HttpStatusCode.Accepted, HttpStatusCode.Unauthorized)));
    }

    [Test, NonParallelizable]
    public async Task Should_read_at_Meta_what_its_notification_refers_to()
    {
        var body = VendorSamples.Body("facebook", "leadgen notification").ToJsonString();
        DoorService.Graph = id => id.EndsWith('3') ? (200, VendorSamples.Body("facebook", "lead retrieval").ToJsonString()) : (500, "{}");

        using var away = await DoorService.PostAsync("/webhooks/meta", body, headers: Signing.Meta(body));
        DoorService.Graph = id => id.EndsWith('3') ? (200, VendorSamples.Body("facebook", "lead retrieval").ToJsonString()) : (404, "{}");
        using var back = await DoorService.PostAsync("/webhooks/meta", body, headers: Signing.Meta(body));
        using var again = await DoorService.PostAsync("/webhooks/meta", body, headers: Signing.Meta(body));
        DoorService.Graph = _ => (404, "{}");
        using var gone = await DoorService.PostAsync("/webhooks/meta", body, headers: Signing.Meta(body));
        var results = (await DoorService.JsonAsync(back))["results"]!.AsArray();
        var copies = (await DoorService.JsonAsync(again))["results"]!.AsArray();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(away.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(away.Headers.RetryAfter, Is.Not.Null);
            Assert.That(back.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
            Assert.That((await DoorService.StoredAsync(Guid.Parse(results[0]!["leadId"]!.GetValue<string>())))!.Email, Is.EqualTo("ingmar@solvang-marine.example"));
            Assert.That(results[1]!["errors"], Is.Not.Null);
            Assert.That(copies[0]!["leadId"]!.GetValue<string>(), Is.EqualTo(results[0]!["leadId"]!.GetValue<string>()));
            Assert.That((int)gone.StatusCode, Is.EqualTo(422));
        }
    }

    [TestCase("hub.mode=subscribe&hub.verify_token=example-verify-token&hub.challenge=1158201444", 200, "1158201444")]
    [TestCase("hub.mode=subscribe&hub.verify_token=guessed&hub.challenge=1158201444", 403, null)]
    [TestCase("hub.mode=subscribe&hub.challenge=1158201444", 403, null)]
    [TestCase("hub.mode=subscribe&hub.verify_token=example-verify-token&hub.challenge=%3Cscript%3E", 400, null)]
    [TestCase("hub.mode=unsubscribe&hub.verify_token=example-verify-token&hub.challenge=1", 400, null)]
    [TestCase("", 400, null)]
    public async Task Should_shake_hands_with_Meta(string query, int status, string? answer)
    {
        using var response = await DoorService.Client.GetAsync("/webhooks/meta?" + query);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)response.StatusCode, Is.EqualTo(status));
            if (answer is not null)
                Assert.That((response.Content.Headers.ContentType!.MediaType, await response.Content.ReadAsStringAsync()), Is.EqualTo(("text/plain", answer)));
        }
    }

    [Test]
    public async Task Should_survive_naughty_strings_at_every_door()
    {
        var bad = new List<string>();
        foreach (var some in VendorSamples.Hostile.Chunk(40))
        {
            var body = new JsonObject { ["data"] = new JsonArray([.. some.Select((s, i) => (JsonNode)new JsonObject { ["email"] = $"naughty@n{i}.example", ["company"] = s, ["message"] = s, ["externalId"] = s.Length > 0 ? s : null })]) }.ToJsonString();
            using var webhook = await DoorService.PostAsync("/webhooks/standard", body, headers: Signing.Standard("msg_" + Guid.NewGuid(), body));
            using var form = await DoorService.PostAsync("/forms/fair", "email=naughty%40form.example&" + string.Join('&', some.Select((s, i) => $"f{i}={Uri.EscapeDataString(s)}")), "application/x-www-form-urlencoded");
            if ((int)webhook.StatusCode != 202 || (int)form.StatusCode != 202)
                bad.Add($"{webhook.StatusCode} {form.StatusCode}: {await webhook.Content.ReadAsStringAsync()} {await form.Content.ReadAsStringAsync()}");
        }

        Assert.That(bad, Is.Empty);
    }
}
