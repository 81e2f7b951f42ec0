<?php

/**
 * What the site's owner has set: read, and checked before it is stored.
 *
 * @package Ringpool
 */

namespace Ringpool;

defined('ABSPATH') || exit;

/** The one option that the plugin stores; uninstall.php removes it. */
const OPTION = 'ringpool_settings';

/**
 * The settings with their defaults: all strings, the script's attributes by their names without
 * `data-`. '' is an attribute that the tag doesn't get; '1' for a switch means that it is on.
 */
const DEFAULTS = array(
    'service' => '',
    'account' => '',
    'click-to-call' => '',
    'format' => '',
    'consent' => '',
    'hide-until' => '',
    'selector' => '',
    'params' => '',
    'cookies' => '',
    'days' => '',
    'timeout' => '',
    'jsonld' => '',
);

const SWITCHES = array('click-to-call', 'jsonld');

const CHOICES = array(
    'format' => array('', 'national', 'international', 'e164'),
    'consent' => array('', 'required'),
);

/** The least and the most of what is a number. */
const RANGES = array('days' => array(1, 400), 'timeout' => array(0, 60000));

/** The settings as they are stored, each one there. */
function settings(): array
{
    $stored = get_option(OPTION, array());
    $known = array_intersect_key(is_array($stored) ? $stored : array(), DEFAULTS);
    return array_merge(DEFAULTS, array_filter($known, 'is_string'));
}

/**
 * What WordPress calls before it stores the settings page's form. A value that can't be meant is
 * refused: the one before stays, and the page says which field it is.
 *
 * @param mixed $entered The form, as WordPress read it.
 */
function sanitize($entered): array
{
    $before = settings();
    $after = array();
    foreach (DEFAULTS as $name => $default) {
        $value = is_array($entered) && isset($entered[$name]) ? $entered[$name] : '';
        // Not sanitize_text_field(), which takes the %20 out of parameters.
        $value = is_scalar($value) ? trim(wp_check_invalid_utf8((string) $value)) : '';
        $checked = checked_value($name, $value);
        if (null === $checked) {
            /* translators: 1: name of a field, 2: what was entered */
            $message = __('%1$s: “%2$s” can’t be used; the former value stays.', 'ringpool');
            $text = sprintf($message, labels()[$name][0], $value);
            add_settings_error(OPTION, 'ringpool-' . $name, esc_html($text));
            $checked = $before[$name];
        }
        $after[$name] = $checked;
    }
    return $after;
}

/** The value as it is stored, or null where it can't be meant. */
function checked_value(string $name, string $value): ?string
{
    if (in_array($name, SWITCHES, true)) {
        return '' === $value ? '' : '1';
    }
    if ('' === $value) {
        return '';
    }
    if (preg_match('/[<\x00-\x1f\x7f]/', $value)) {
        return null; // neither markup nor a second line is anything's value
    }
    if ('service' === $name) {
        return service_address($value);
    }
    if ('account' === $name) {
        return preg_match('/^[a-z0-9][a-z0-9-]{0,62}$/D', $value) ? $value : null;
    }
    if (isset(CHOICES[$name])) {
        return in_array($value, CHOICES[$name], true) ? $value : null;
    }
    if (isset(RANGES[$name])) {
        list($least, $most) = RANGES[$name];
        $fits = preg_match('/^\d{1,6}$/D', $value) && $value >= $least && $value <= $most;
        return $fits ? (string) (int) $value : null;
    }
    return strlen($value) <= 500 ? $value : null;
}

/**
 * The address of the service without a slash at its end, or null: https anywhere, http on this
 * machine only. Whoever copies the address of the script instead, means the service.
 */
function service_address(string $value): ?string
{
    $value = rtrim(preg_replace('~/dni\.js(\?.*)?$~', '', $value), '/');
    $parts = wp_parse_url($value);
    if (empty($parts['scheme']) || empty($parts['host']) || isset($parts['user'])) {
        return null;
    }
    if (isset($parts['query']) || isset($parts['fragment'])) {
        return null;
    }
    $here = in_array($parts['host'], array('localhost', '127.0.0.1'), true);
    if ('https' !== $parts['scheme'] && !('http' === $parts['scheme'] && $here)) {
        return null;
    }
    $address = esc_url_raw($value, array('https', 'http'));
    return '' === $address ? null : $address;
}
