using System.Text;
using LeadPipeline.Worker.Intake.Forms;
using Microsoft.Net.Http.Headers;

namespace LeadPipeline.Worker.Tests.Intake.Forms;

public sealed class FormBodyTests
{
    private const string UrlEncoded = "application/x-www-form-urlencoded";

    [TestCase("email=a%40b.de&name=Zo%C3%AB+S", ExpectedResult = "email=a@b.de;name=Zoë S")]
    [TestCase("a=1&&b=&c&=", ExpectedResult = "(refused)")]
    [TestCase("a=1&&b=&c", ExpectedResult = "a=1;b=;c=")]
    [TestCase("a=100%&b=%zz&c=%4", ExpectedResult = "a=100%;b=%zz;c=%4")]
    [TestCase("box=1&box=&box=2", ExpectedResult = "box=1, 2")]
    [TestCase("a=b=c", ExpectedResult = "a=b=c")]
    [TestCase("", ExpectedResult = "")]
    public string Urlencoded_fields_are_read_as_browsers_write_them(string body) => Shown(FormBody.Read(MediaTypeHeaderValue.Parse(UrlEncoded), Encoding.ASCII.GetBytes(body)));

    [TestCase(UrlEncoded, "name=Zo%C3%AB", ExpectedResult = "name=Zoë")]
    [TestCase(UrlEncoded + "; charset=iso-8859-1", "name=Zo%EB+%80", ExpectedResult = "name=Zoë €")]
    [TestCase(UrlEncoded + "; charset=\"windows-1252\"", "name=Zo%EB", ExpectedResult = "name=Zoë")]
    [TestCase(UrlEncoded, "_charset_=windows-1252&name=Zo%EB", ExpectedResult = "name=Zoë")]
    [TestCase(UrlEncoded + "; charset=utf-8", "_charset_=windows-1252&name=Zo%EB", ExpectedResult = "400 name")]
    [TestCase(UrlEncoded, "name=Zo%EB", ExpectedResult = "400 name")]
    [TestCase(UrlEncoded, "name=%C0%80", ExpectedResult = "400 name", Description = "a NUL written in two bytes")]
    [TestCase(UrlEncoded, "name=%ED%A0%80", ExpectedResult = "400 name", Description = "half a surrogate pair")]
    [TestCase(UrlEncoded, "name=a%00b", ExpectedResult = "400 name")]
    [TestCase(UrlEncoded, "na%FFme=a", ExpectedResult = "400 (a field name)")]
    [TestCase(UrlEncoded + "; charset=utf-7", "name=a", ExpectedResult = "415 ")]
    [TestCase(UrlEncoded, "_charset_=%00%FF&name=a", ExpectedResult = "415 ")]
    public string Every_byte_is_a_character_of_the_declared_set(string type, string body) => FormBody.Read(MediaTypeHeaderValue.Parse(type), Encoding.ASCII.GetBytes(body)) is FormReading.Refused refused
        ? $"{refused.Status} {string.Join(',', refused.Errors.Select(e => e.Field))}"
        : Shown(FormBody.Read(MediaTypeHeaderValue.Parse(type), Encoding.ASCII.GetBytes(body)));

    [TestCase("--X\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na@b.de\r\n--X\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\nZoë\r\nS\r\n--X--\r\n", ExpectedResult = "email=a@b.de;n=Zoë\r\nS")]
    [TestCase("--X\r\nContent-Disposition: form-data; name=\"cv\"; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n--X--\r\n", ExpectedResult = "", Description = "a file field in which nothing was chosen")]
    [TestCase("--X\r\nContent-Disposition: form-data; name=\"cv\"; filename=\"cv.pdf\"\r\n\r\n%PDF\r\n--X--\r\n", ExpectedResult = "400 cv")]
    [TestCase("--X\r\nContent-Disposition: form-data; name=\"cv\"; filename=\"cv.pdf\"\r\n\r\n\r\n--X--\r\n", ExpectedResult = "400 cv")]
    [TestCase("--X\r\nContent-Disposition: form-data; name=\"cv\"; filename*=UTF-8''cv\r\n\r\n%PDF\r\n--X--\r\n", ExpectedResult = "400 cv")]
    [TestCase("--X\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nx\r\n--X--\r\n", ExpectedResult = "400 $")]
    [TestCase("--X\r\n\r\nx\r\n--X--\r\n", ExpectedResult = "400 $")]
    [TestCase("--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx", ExpectedResult = "400 $", Description = "cut off")]
    [TestCase("", ExpectedResult = "400 $")]
    [TestCase("no boundary at all", ExpectedResult = "400 $")]
    public string Multipart_fields_are_read_and_files_are_not(string body) => FormBody.Read(MediaTypeHeaderValue.Parse("multipart/form-data; boundary=X"), Encoding.UTF8.GetBytes(body)) is FormReading.Refused refused
        ? $"{refused.Status} {string.Join(',', refused.Errors.Select(e => e.Field))}"
        : Shown(FormBody.Read(MediaTypeHeaderValue.Parse("multipart/form-data; boundary=X"), Encoding.UTF8.GetBytes(body)));

    [Test]
    public void More_fields_than_a_form_has_are_refused()
    {
        var body = string.Join('&', Enumerable.Range(0, FormBody.MaxFields + 1).Select(i => $"f{i}=1"));

        Assert.That(FormBody.Read(MediaTypeHeaderValue.Parse(UrlEncoded), Encoding.ASCII.GetBytes(body)), Is.InstanceOf<FormReading.Refused>().With.Property("Status").EqualTo(413));
    }

    [TestCase("https://www.acme.example", null, ExpectedResult = true)]
    [TestCase("https://WWW.acme.example", null, ExpectedResult = true)]
    [TestCase("https://www.acme.example:443", null, ExpectedResult = true)]
    [TestCase("http://www.acme.example", null, ExpectedResult = false)]
    [TestCase("https://www.acme.example.evil.example", null, ExpectedResult = false)]
    [TestCase("https://evil.example", "https://www.acme.example/contact", ExpectedResult = false, Description = "the origin counts, where there is one")]
    [TestCase("null", null, ExpectedResult = false)]
    [TestCase("file:///etc/passwd", null, ExpectedResult = false)]
    [TestCase(null, "https://www.acme.example/contact?x=1", ExpectedResult = true)]
    [TestCase(null, "https://evil.example/?https://www.acme.example", ExpectedResult = false)]
    [TestCase(null, "https://www.acme.example@evil.example/", ExpectedResult = false)]
    [TestCase("http://leads.acme.example:8080", null, ExpectedResult = true, Description = "a page of this host")]
    [TestCase("https://leads.acme.example:8080", null, ExpectedResult = true)]
    [TestCase("http://leads.acme.example", null, ExpectedResult = false)]
    [TestCase(null, null, ExpectedResult = false)]
    public bool Only_pages_of_allowed_sites_may_post(string? origin, string? referer) =>
        FormOrigin.MayPost(origin, referer, "leads.acme.example:8080", fromHere: false, ["https://www.acme.example"]);

    [TestCase(true, "*", ExpectedResult = true)]
    [TestCase(false, "*", ExpectedResult = true)]
    [TestCase(true, null, ExpectedResult = true)]
    [TestCase(false, null, ExpectedResult = false)]
    public bool Who_names_no_page_is_let_in_from_this_machine(bool fromHere, string? allowed) => FormOrigin.MayPost(null, null, "h", fromHere, allowed is null ? [] : [allowed]);

    private static string Shown(FormReading reading) => reading is FormReading.Fields fields ? string.Join(';', fields.All.Select(f => $"{f.Name}={f.Value}")) : "(refused)";
}
