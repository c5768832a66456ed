"""The web page of a lab that asks for tokens: signing in and out."""
import subprocess

from browser_lab import one, text_has

SUBMIT = """(() => {
  document.querySelector('#token').value = '%s';
  document.querySelector('form button[type=submit]').click();
})()"""


def check_sign_in(browser, lab):
    """The last check: from here on the lab lets nobody in without a token."""
    token = subprocess.run([lab.alloclabd, 'token', 'create', 'vic', '--role', 'viewer', '--data-dir', lab.data], check=True,
                           capture_output=True, text=True, timeout=60).stdout.strip()
    browser.open('about:blank')
    browser.open(lab.url('runs'))
    browser.wait(f"{one('#token')} !== null")
    browser.evaluate(SUBMIT % 'wrong')
    browser.wait(text_has('none of this lab, or was revoked'))
    browser.evaluate(SUBMIT % token)
    browser.wait("document.querySelectorAll('main tbody tr').length > 0")
    browser.wait("document.querySelector('#session').innerText.includes('vic (viewer)')")
    assert browser.evaluate("document.cookie") == '', 'scripts cannot read the cookie'
    assert token not in browser.evaluate('location.href + document.documentElement.outerHTML')
    browser.open('about:blank')
    browser.open(lab.url(''))  # the cookie stays
    browser.wait("document.querySelector('#session')?.innerText.includes('vic (viewer)')")
    browser.evaluate("document.querySelector('#session button').click()")
    browser.wait(f"{one('#token')} !== null && document.querySelector('#session').innerText === ''")
